import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';

/** Nobody is there to be sent to: all have left, are not ready, or were taken out. */
export const noInstance: PatternKind = {
  name: 'no_instance',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'no_instance',
      outcomes: new Set(['no_instance']),
      sentence: ({ callee, callers, share }) =>
        `${callee} has no instance that may be sent to: ${share} of the requests${callers} found none`,
    }),
};

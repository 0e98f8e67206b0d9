import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';

/** A name that does not resolve, for everybody or in one workload's resolver. */
export const dns: PatternKind = {
  name: 'dns',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'dns',
      outcomes: new Set(['dns']),
      mergeCallers: true,
      sentence: ({ callee, callers, share }) =>
        `The name of ${callee} does not resolve for ${share} of the requests${callers}`,
    }),
};

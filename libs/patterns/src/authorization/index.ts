import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';

/** An access policy that refuses what it let through before. */
export const authorization: PatternKind = {
  name: 'authorization',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'authorization',
      outcomes: new Set(['denied']),
      mergeCallers: true,
      sentence: ({ callee, callers, share }) =>
        `An access policy refuses ${share} of the requests${callers} to ${callee}`,
    }),
};

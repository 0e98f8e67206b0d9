import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';

/** Requests that no route takes. That a change removed it is for the suspects to say. */
export const noRoute: PatternKind = {
  name: 'no_route',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'no_route',
      outcomes: new Set(['no_route']),
      sentence: ({ callee, callers, share }) =>
        `${share} of the requests${callers} to ${callee} match no route, or one that leads nowhere`,
    }),
};

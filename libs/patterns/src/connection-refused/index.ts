import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';

/** Nobody listens at any of the addresses, or the network to all of them is gone. */
export const connectionRefused: PatternKind = {
  name: 'connection_refused',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'connection_refused',
      prevailing: new Set(['connection']),
      sentence: ({ callee, callers, share }) =>
        `${callee} does not take connections: ${share} of the requests${callers}`,
    }),
};

import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';

/** All instances take requests and close the connection, as a crash or an idle timeout below the caller's does. */
export const connectionReset: PatternKind = {
  name: 'connection_reset',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'connection_reset',
      prevailing: new Set(['reset']),
      sentence: ({ callee, callers, share }) =>
        `${callee} closes connections before it has answered: ${share} of the requests${callers}`,
    }),
};

import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';

/** A limit of connections or requests that is reached although neither load nor latency rose: those are overload. */
export const circuitBreaker: PatternKind = {
  name: 'circuit_breaker',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'circuit_breaker',
      prevailing: new Set(['limit']),
      sentence: ({ callee, callers, share }) =>
        `A circuit breaker lets ${share} of the requests${callers} to ${callee} through no more`,
    }),
};

import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';

/** A rate limit of the mesh, or the application's own 429. */
export const rateLimit: PatternKind = {
  name: 'rate_limit',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'rate_limit',
      outcomes: new Set(['rate_limited', 'throttled']),
      sentence: ({ callee, callers, share }) => `A rate limit refuses ${share} of the requests${callers} to ${callee}`,
    }),
};

import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';

/** Somebody tries what happens: no fault, but whoever is on call should know. */
export const faultInjection: PatternKind = {
  name: 'fault_injection',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'fault_injection',
      outcomes: new Set(['injected']),
      sentence: ({ callee, callers, share }) =>
        `A fault that is injected on purpose fails ${share} of the requests${callers} to ${callee}`,
    }),
};

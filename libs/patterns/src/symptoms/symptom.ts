import type { Outcome } from '#libs/telemetry';
import type { EdgeFacts, ServiceFacts } from '../facts/facts.js';
import type { Segment } from '../statistics/segment.js';

/** That more requests to one service end in one way than usual: what is to be explained. */
export interface Symptom {
  readonly service: ServiceFacts;
  readonly outcome: Outcome;
  /** When it was at its clearest. */
  readonly segment: Segment;
  /** Whether it may still go on. */
  readonly ongoing: boolean;
  /** Failures beyond the usual, in the segment. */
  readonly excess: number;
  /** Of the requests as callers were answered. */
  readonly failedRequests: number;
  /** In nats, divided by the dispersion. */
  readonly evidence: number;
  /** What would just have been enough. */
  readonly enough: number;
  /** Edges with such failures in the segment beyond the usual, the most first. */
  readonly edges: readonly EdgeFacts[];
  /** Share that fails so as a rule. */
  readonly usual: number;
}

/** One that follows from others: the callee fails because what it calls fails. */
export interface Derived {
  readonly symptom: Symptom;
  readonly causes: readonly Symptom[];
}

export interface Symptoms {
  /** Those that nothing further down accounts for. */
  readonly roots: readonly Symptom[];
  readonly derived: readonly Derived[];
}

import type { EdgeCell, InstanceCell, TimelineEvent, ZoneCell } from '#libs/telemetry';
import type { Baseline } from './facts/baseline.js';
import type { PatternName } from './names.js';

/** One instance that a service may send to, ready or not. */
export interface ObservedInstance {
  /** `<namespace>/<workload>/<instance>`, as in InstanceCell. */
  readonly instance: string;
  readonly version: string;
  readonly zone: string;
}

/** What a service selects. Which services a workload calls is in the edges. */
export interface ObservedService {
  /** `<namespace>/<service>/<port>`, as in EdgeCell. */
  readonly callee: string;
  /** `<namespace>/<workload>`. */
  readonly workloads: readonly string[];
  readonly instances: readonly ObservedInstance[];
}

/** All that one evaluation looks at. Nothing else goes in: the same input gives the same patterns. */
export interface Observed {
  /** The end of the newest bucket that has ended. Milliseconds since the epoch. */
  readonly at: number;
  /** Length of the buckets of the cells; all of them the same. Milliseconds, 10,000 as collected. */
  readonly bucketMs: number;
  /** How far back the cells go, in buckets; older and newer ones are left out. At most 360. */
  readonly buckets: number;
  readonly edges: readonly EdgeCell[];
  readonly instances: readonly InstanceCell[];
  readonly zones: readonly ZoneCell[];
  /** What was usual before, from cells of a minute: `UsualMinutes`, or `baselineOf` all at once. */
  readonly baseline: Baseline;
  /** In any order; those of the last half hour before the window count. */
  readonly events: readonly TimelineEvent[];
  readonly services: readonly ObservedService[];
}

/** Where the failures are. What is left out was not narrowed: all callers, every route, the whole service. */
export interface Scope {
  /** `<namespace>/<service>/<port>`; more than one where a zone or a caller is to blame. Sorted. */
  readonly callees: readonly string[];
  /** `<namespace>/<workload>`. */
  readonly callers?: readonly string[];
  readonly routes?: readonly string[];
  readonly instances?: readonly string[];
  readonly version?: string;
  readonly callerZone?: string;
  readonly calleeZone?: string;
}

/** One thing that was counted, for a chart or a table. */
export type Fact =
  /** A share of attempts or requests that failed, beside the one it is compared with. */
  | {
      readonly kind: 'share';
      readonly of: string;
      readonly failed: number;
      readonly total: number;
      readonly beside: Counted;
    }
  /** A measure now and as it usually is. */
  | { readonly kind: 'ratio'; readonly of: string; readonly now: number; readonly usual: number; readonly unit: Unit }
  /** Failures by outcome. */
  | { readonly kind: 'outcomes'; readonly counts: Readonly<Record<string, number>> }
  /** Failures per bucket since the start of the window, oldest first. */
  | { readonly kind: 'series'; readonly from: number; readonly bucketMs: number; readonly failed: readonly number[] }
  /** Starts of the bursts of something periodic. Milliseconds since the epoch. */
  | { readonly kind: 'bursts'; readonly periodMs: number; readonly at: readonly number[] };

export type Unit = 'ms' | 'per_second' | 'attempts_per_request' | 'share';

/** What a share is compared with. */
export interface Counted {
  readonly of: string;
  readonly failed: number;
  readonly total: number;
}

/** What may have brought it about, out of the timeline. */
export interface Suspect {
  readonly kind: 'change' | 'release' | 'rotation' | 'churn' | 'refusal';
  /** Of the first of its events. */
  readonly id: string;
  readonly title: string;
  readonly at: number;
  /** 0 to 1: the share of the suspicion that falls on it; what is missing to 1 falls on nothing that the timeline shows. */
  readonly score: number;
  /** One sentence for a reader. */
  readonly why: string;
  /** That a plan of reversal exists. */
  readonly reversible: boolean;
  /** Ids of the events that it is made of: a release is several instances that joined. */
  readonly events: readonly string[];
}

/** A group of failures with one name. */
export interface Pattern {
  readonly name: PatternName;
  readonly scope: Scope;
  /** Start of the first bucket. Milliseconds since the epoch. */
  readonly since: number;
  /** End of the last bucket with such failures. */
  readonly until: number;
  /** False when so many buckets without failures followed that, had it gone on, they would be a chance below one in a hundred. */
  readonly ongoing: boolean;
  /** Requests whose callers got a failure by it, beyond the usual; attempts that a retry made good are not among them. */
  readonly failedRequests: number;
  /** Attempts (and requests that were never sent) that failed by it, beyond the usual. */
  readonly failedAttempts: number;
  /** Of all failures of its callees since then, the share that it explains. 0 to 1. */
  readonly shareOfScope: number;
  /** Of all failures of the mesh since then, upstream symptoms included. 0 to 1. */
  readonly shareOfAll: number;
  /** 0 to 1. */
  readonly confidence: number;
  readonly facts: readonly Fact[];
  /** One plain sentence. It quotes names that came from outside: escape it. */
  readonly sentence: string;
  /** Services whose own failures follow from this one. Sorted. */
  readonly upstream: readonly string[];
  /** The likeliest first. */
  readonly suspects: readonly Suspect[];
}

import type { EdgeCell, InstanceCell, Outcome, TimelineEvent } from '#libs/telemetry';
import type { Observed, ObservedService } from '../types.js';
import type { EdgeBaseline } from './baseline.js';

/** Numbers per bucket of the window, oldest first. */
export type Series = Float64Array;

/** From one workload to one service by one route. */
export interface EdgeFacts {
  readonly caller: string;
  readonly callee: string;
  readonly route: string;
  readonly requests: Series;
  readonly attempts: Series;
  /** Requests, or attempts where they are more: what failures are a share of. */
  readonly total: Series;
  /** Requests or attempts, whichever are more: a request that was never sent has no attempt, one that was retried has more. */
  readonly failed: ReadonlyMap<Outcome, Series>;
  /** As callers were answered. */
  readonly failedRequests: ReadonlyMap<Outcome, Series>;
  /** With latencies: looked at only where a test needs them. */
  readonly cells: readonly EdgeCell[];
  /** Absent for an edge that is new. */
  readonly usual: EdgeBaseline | undefined;
}

export interface InstanceFacts {
  readonly instance: string;
  readonly version: string;
  readonly zone: string;
  readonly attempts: Series;
  readonly failed: ReadonlyMap<Outcome, Series>;
  readonly cells: readonly InstanceCell[];
}

export interface ZonePairFacts {
  readonly callerZone: string;
  readonly calleeZone: string;
  readonly attempts: Series;
  readonly failed: ReadonlyMap<Outcome, Series>;
}

export interface ServiceFacts {
  readonly callee: string;
  readonly edges: readonly EdgeFacts[];
  readonly instances: readonly InstanceFacts[];
  readonly zones: readonly ZonePairFacts[];
  /** Undefined for a callee that the topology does not know. */
  readonly known: ObservedService | undefined;
}

/** The window, by what it is about. Made once per evaluation, read by every pattern. */
export interface Facts {
  readonly at: number;
  readonly bucketMs: number;
  readonly buckets: number;
  /** First bucket that anything is known of: before it nobody had told yet, which is not the same as no traffic. */
  readonly began: number;
  /** Callees, sorted by name. */
  readonly services: ReadonlyMap<string, ServiceFacts>;
  /** Edges of each workload, as the caller. */
  readonly outgoing: ReadonlyMap<string, readonly EdgeFacts[]>;
  /** Services that select a workload. */
  readonly servicesOf: ReadonlyMap<string, readonly string[]>;
  /** By time. */
  readonly events: readonly TimelineEvent[];
  /** Something that belongs to the window was dropped: counts are lower bounds. */
  readonly complete: boolean;
  readonly observed: Observed;
}

/** Start of a bucket. Milliseconds since the epoch. */
export const startOf = (facts: Facts, bucket: number): number => facts.at - (facts.buckets - bucket) * facts.bucketMs;

/** Bucket of a time; below 0 or beyond the last for one outside of the window. */
export const bucketOf = (facts: Facts, at: number): number =>
  facts.buckets + Math.floor((at - facts.at) / facts.bucketMs);

/**
 * An upper limit of a share that is known from `total` requests: one and a half standard deviations above, and three failures more in
 * three hundred more requests, since what was never seen may still happen.
 */
export function usualShare(share: number, total: number): number {
  const failed = share * total;
  return (failed + 1.5 * Math.sqrt(failed) + 3) / (total + 300);
}

/** The share of requests that fail so as a rule, on one edge or several. Above 0. */
export function usualOf(edges: readonly EdgeFacts[], outcome: Outcome): number {
  let [failed, total] = [0, 0];
  for (const { usual } of edges) {
    if (usual === undefined) continue;
    failed += (usual.failing.get(outcome) ?? 0) * usual.total;
    total += usual.total;
  }
  return usualShare(total > 0 ? failed / total : 0, total);
}

/** How much more than by chance failures vary there. 1 or more. */
export function dispersionOf(edges: readonly EdgeFacts[]): number {
  let [sum, total] = [0, 0];
  for (const { usual } of edges) {
    if (usual === undefined) continue;
    sum += usual.dispersion * usual.total;
    total += usual.total;
  }
  return total > 0 ? sum / total : 1;
}

/** Bucket by bucket. */
export function added(all: readonly (Series | Float32Array | undefined)[], buckets: number): Series {
  const sum = new Float64Array(buckets);
  for (const series of all) if (series) for (let i = 0; i < buckets; i += 1) sum[i] = (sum[i] ?? 0) + (series[i] ?? 0);
  return sum;
}

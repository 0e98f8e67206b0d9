import { isFailure, type Outcome } from '#libs/telemetry';
import { type EdgeFacts, type Facts, type Series, usualOf } from '../facts/facts.js';
import { sumOf } from '../statistics/segment.js';
import type { Symptom } from './symptom.js';

/** Failures of what a service calls, held against its own, bucket by bucket. */
export interface PassedOn {
  /** Of the failures of the service beyond the usual, those that it may have passed on. */
  readonly explained: number;
  /** The same of its newest failures alone, and how many those are. */
  readonly newest: { readonly explained: number; readonly failed: number };
  /** Calls that failed while the service did, the most first. */
  readonly by: readonly EdgeFacts[];
}

/** So many of the newest failures tell whether what explained the earlier ones goes on. */
const NEWEST = 12;
/** A call with less of the failures than this part says nothing of why the service fails. */
const LEAST_PART = 0.1;
/** What takes the time that a caller has: nobody runs out of time since something else said no at once. */
const SLOW: ReadonlySet<Outcome> = new Set<Outcome>(['timeout', 'connect_timeout']);
/** Attempts for each request, as a multiple of the usual, from which on failures that come at once take time too. */
const TRIED_AGAIN = 1.25;

/**
 * Each failed call accounts for one failure of its caller, in its own bucket or the one after. What failed before, or at other times, or
 * in another way than the caller does, accounts for none: two faults that follow one another are two.
 */
export function passedOn(facts: Facts, symptom: Symptom, calls: readonly EdgeFacts[]): PassedOn {
  const { from, to } = symptom.segment;
  const own = excessOf(facts, symptom);
  const below = calls
    .map((edge) => ({ edge, failed: failedCalls(facts, edge, symptom) }))
    .map((one) => ({ ...one, sum: sumOf(one.failed, from - 1, to) }))
    .filter(({ sum }) => sum > 0)
    .sort((a, b) => b.sum - a.sum);
  const all = below.reduce((sum, one) => sum + one.sum, 0);
  const matched = new Float64Array(facts.buckets);
  let left = below.reduce((sum, { failed }) => sum + (failed[from - 1] ?? 0), 0);
  for (let i = from; i <= to; i += 1) {
    const failed = below.reduce((sum, one) => sum + (one.failed[i] ?? 0), 0);
    const explained = Math.min(own[i] ?? 0, left + failed);
    matched[i] = explained;
    left = Math.min(failed, left + failed - explained);
  }
  const start = newestFrom(own, from, to);
  return {
    explained: sumOf(matched, from, to),
    newest: { explained: sumOf(matched, start, to), failed: sumOf(own, start, to) },
    by: below.filter(({ sum }) => sum >= LEAST_PART * all).map(({ edge }) => edge),
  };
}

/** What failed beyond the usual in each bucket of the segment. */
function excessOf(facts: Facts, { outcome, segment, edges }: Symptom): Series {
  const own = new Float64Array(facts.buckets);
  const usual = usualOf(edges, outcome);
  for (let i = segment.from; i <= segment.to; i += 1) {
    for (const edge of edges)
      own[i] = (own[i] ?? 0) + (edge.failed.get(outcome)?.[i] ?? 0) - usual * (edge.total[i] ?? 0);
    own[i] = Math.max(0, own[i] ?? 0);
  }
  return own;
}

/** Requests on an edge that failed beyond the usual, in ways that could make the caller fail as the symptom says. */
function failedCalls(facts: Facts, edge: EdgeFacts, { outcome, segment: { from, to } }: Symptom): Series {
  const failed = new Float64Array(facts.buckets);
  const isSlow = outcome !== 'timeout' || isTriedAgain(edge, from - 1, to);
  for (const [way, series] of edge.failedRequests) {
    if (!isFailure(way) || (!isSlow && !SLOW.has(way))) continue;
    // Not the upper limit that proofs are held against: what is counted here is neither more nor less than what there was.
    const usual = edge.usual?.failing.get(way) ?? 0;
    for (let i = Math.max(0, from - 1); i <= to; i += 1)
      failed[i] = (failed[i] ?? 0) + (series[i] ?? 0) - usual * (edge.requests[i] ?? 0);
  }
  return withoutNegatives(failed);
}

/** The same in sum, as far as that can be: buckets with less than the usual take from those with more. */
function withoutNegatives(series: Series): Series {
  let [sum, positive] = [0, 0];
  for (const value of series) {
    sum += value;
    positive += Math.max(0, value);
  }
  const share = positive > 0 ? Math.max(0, sum) / positive : 0;
  return series.map((value) => Math.max(0, value) * share);
}

const isTriedAgain = ({ attempts, requests, usual }: EdgeFacts, from: number, to: number): boolean =>
  sumOf(attempts, from, to) > TRIED_AGAIN * (usual?.attemptsPerRequest ?? 1) * sumOf(requests, from, to);

function newestFrom(own: Series, from: number, to: number): number {
  let start = to;
  while (start > from && sumOf(own, start, to) < NEWEST) start -= 1;
  return start;
}

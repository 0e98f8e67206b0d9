import { isFailure, type Outcome } from '#libs/telemetry';
import { type EdgeFacts, type Facts, type Series, usualOf } from '../facts/facts.js';
import { latenciesOf } from '../facts/latencies.js';
import { merged } from '../statistics/latency.js';
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
/** What takes less than this part of the time that a caller has is quick: nobody runs out of time since something else said no at once. */
const QUICK = 0.25;
/** Attempts for each request, as a multiple of the usual, from which on failures that come at once take time too. */
const TRIED_AGAIN = 1.25;

/**
 * Each failed call accounts for one failure of its caller, in its own bucket or the one after. What failed before, or at other times, or
 * in another way than the caller does, accounts for none: two faults that follow one another are two.
 */
export function passedOn(facts: Facts, symptom: Symptom, calls: readonly EdgeFacts[]): PassedOn {
  const { from, to } = symptom.segment;
  const own = excessOf(facts, symptom);
  const limitMs = limitOf(facts, symptom);
  const below = calls
    .map((edge) => ({ edge, failed: failedCalls(facts, edge, { segment: symptom.segment, limitMs }) }))
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

/** The time that those had who ran out of it. Milliseconds; NaN where nobody did. */
function limitOf(facts: Facts, { edges, outcome, segment }: Symptom): number {
  if (outcome !== 'timeout') return Number.NaN;
  return merged(edges.map((edge) => latenciesOf(facts, edge, { segment, of: (way) => way === outcome }))).quantile(0.1);
}

/** Requests on an edge that failed beyond the usual, in ways that could make the caller fail as the symptom says. */
function failedCalls(
  facts: Facts,
  edge: EdgeFacts,
  { segment, limitMs }: { readonly segment: Symptom['segment']; readonly limitMs: number },
): Series {
  const failed = new Float64Array(facts.buckets);
  const [from, to] = [Math.max(0, segment.from - 1), segment.to];
  for (const [way, series] of edge.failedRequests) {
    if (!isFailure(way) || isQuick(facts, edge, { way, from, to, limitMs })) continue;
    // Not the upper limit that proofs are held against: what is counted here is neither more nor less than what there was.
    const usual = edge.usual?.failingRequests.get(way) ?? 0;
    for (let i = from; i <= to; i += 1)
      failed[i] = (failed[i] ?? 0) + (series[i] ?? 0) - usual * (edge.requests[i] ?? 0);
  }
  return withoutNegatives(failed);
}

interface Failing {
  readonly way: Outcome;
  readonly from: number;
  readonly to: number;
  readonly limitMs: number;
}

function isQuick(facts: Facts, edge: EdgeFacts, { way, from, to, limitMs }: Failing): boolean {
  if (Number.isNaN(limitMs) || isTriedAgain(edge, from, to)) return false;
  const took = latenciesOf(facts, edge, { segment: { from, to }, of: (outcome) => outcome === way });
  return took.count > 0 && took.quantile(0.5) < QUICK * limitMs;
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

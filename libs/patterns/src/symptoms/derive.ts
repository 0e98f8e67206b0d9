import { isFailure, LatencySketch, type Outcome } from '#libs/telemetry';
import type { EdgeFacts, Facts } from '../facts/facts.js';
import { usualOf } from '../facts/facts.js';
import type { Segment } from '../statistics/segment.js';
import { sumOf } from '../statistics/segment.js';
import type { Derived, Symptom, Symptoms } from './symptom.js';

/** What a service answers with when something that it calls fails. The others are told of it before or beside its own work. */
const PASSED_ON: ReadonlySet<Outcome> = new Set<Outcome>([
  'error',
  'timeout',
  'other',
  'throttled',
  'overloaded',
  'overflow',
  'reset',
]);
/** From this share on, failures that what it calls accounts for are taken to be all of them: counts of both ends differ by chance. */
const ENOUGH_EXPLAINED = 0.5;
/** Buckets that a cause may seem to be later: both begin in some bucket, and the weaker signal is seen late. */
const SLACK = 2;

/**
 * Walks down the call graph: a symptom whose service itself got failures from what it calls, of about that number and no later, is
 * derived; what is left are roots. Services that call one another in a circle have their earliest symptom as root.
 */
export function deriveSymptoms(facts: Facts, found: readonly Symptom[]): Symptoms {
  const byCallee = new Map<string, Symptom[]>();
  for (const symptom of found)
    byCallee.set(symptom.service.callee, [...(byCallee.get(symptom.service.callee) ?? []), symptom]);
  const direct = new Map<Symptom, Symptom[]>();
  for (const symptom of found) {
    const causes = PASSED_ON.has(symptom.outcome) ? causesOf(facts, symptom, byCallee) : [];
    if (causes.length > 0) direct.set(symptom, causes);
  }
  breakCircles(found, direct);
  const roots = found.filter((symptom) => !direct.has(symptom));
  const derived: Derived[] = [];
  for (const symptom of direct.keys()) derived.push({ symptom, causes: rootsOf(symptom, direct) });
  return { roots, derived };
}

function causesOf(facts: Facts, symptom: Symptom, byCallee: ReadonlyMap<string, readonly Symptom[]>): Symptom[] {
  const calls = callsOf(facts, symptom);
  const below = calls.flatMap((edge) =>
    (byCallee.get(edge.callee) ?? []).filter((cause) => mayCause(cause, symptom, edge)),
  );
  if (below.length === 0) return [];
  const causes = [...new Set(below)];
  const failed = failedBelow(calls, causes, symptom.segment);
  if (failed >= ENOUGH_EXPLAINED * symptom.excess) return causes;
  return symptom.outcome === 'timeout' && waitsBelow(facts, symptom, calls) ? causes : [];
}

/** What the workloads of the failing service call. */
function callsOf(facts: Facts, symptom: Symptom): EdgeFacts[] {
  const { callee, known } = symptom.service;
  return (known?.workloads ?? [])
    .flatMap((workload) => facts.outgoing.get(workload) ?? [])
    .filter((edge) => edge.callee !== callee);
}

const mayCause = (cause: Symptom, symptom: Symptom, edge: EdgeFacts): boolean =>
  cause.edges.includes(edge) &&
  cause.segment.from <= symptom.segment.from + SLACK &&
  cause.segment.to >= symptom.segment.from - 1;

/** Requests of the service that failed below it, beyond the usual, at about the same time. */
function failedBelow(calls: readonly EdgeFacts[], causes: readonly Symptom[], segment: Segment): number {
  let failed = 0;
  for (const edge of calls) {
    for (const cause of causes) {
      if (!cause.edges.includes(edge)) continue;
      const series = edge.failedRequests.get(cause.outcome);
      if (series === undefined) continue;
      const usual = sumOf(edge.requests, segment.from - 1, segment.to) * usualOf([edge], cause.outcome);
      failed += Math.max(0, sumOf(series, segment.from - 1, segment.to) - usual);
    }
  }
  return failed;
}

/** Whether most of the time that the service needs more than usual is spent on what it calls. */
function waitsBelow(facts: Facts, symptom: Symptom, calls: readonly EdgeFacts[]): boolean {
  const own = Math.max(...symptom.edges.map((edge) => slowedBy(facts, edge, symptom.segment)));
  const below = Math.max(0, ...calls.map((edge) => slowedBy(facts, edge, symptom.segment)));
  return below > 0 && below >= 0.5 * own;
}

/** Milliseconds that the median took longer than usual. A timeout counts as the time that it took. */
export function slowedBy(facts: Facts, edge: EdgeFacts, segment: Segment): number {
  if (edge.usual === undefined || Number.isNaN(edge.usual.p50Ms)) return 0;
  const now = latenciesOf(facts, edge, { segment, of: (outcome) => outcome === 'ok' || outcome === 'timeout' });
  return now.count === 0 ? 0 : Math.max(0, now.quantile(0.5) - edge.usual.p50Ms);
}

/** Of the cells of one edge within a segment. */
export function latenciesOf(
  facts: Facts,
  edge: EdgeFacts,
  { segment, of }: { readonly segment: Pick<Segment, 'from' | 'to'>; readonly of: (outcome: Outcome) => boolean },
): LatencySketch {
  const all = new LatencySketch();
  for (const cell of edge.cells) {
    const bucket = facts.buckets + Math.floor((cell.at - facts.at) / facts.bucketMs);
    if (bucket >= segment.from && bucket <= segment.to && of(cell.outcome)) all.merge(cell.latencies);
  }
  return all;
}

/** Of every outcome that is a failure. */
export const anyFailure = (outcome: Outcome): boolean => isFailure(outcome);

/** A symptom that, by its causes, causes itself is a root when it began first. */
function breakCircles(found: readonly Symptom[], direct: Map<Symptom, Symptom[]>): void {
  const byStart = [...found].sort((a, b) => a.segment.from - b.segment.from);
  for (const symptom of byStart) {
    if (direct.has(symptom) && reach(symptom, direct).has(symptom)) direct.delete(symptom);
  }
}

function reach(symptom: Symptom, direct: ReadonlyMap<Symptom, readonly Symptom[]>): Set<Symptom> {
  const seen = new Set<Symptom>();
  const next = [...(direct.get(symptom) ?? [])];
  for (let one = next.pop(); one !== undefined; one = next.pop()) {
    if (seen.has(one)) continue;
    seen.add(one);
    next.push(...(direct.get(one) ?? []));
  }
  return seen;
}

const rootsOf = (symptom: Symptom, direct: ReadonlyMap<Symptom, readonly Symptom[]>): Symptom[] =>
  [...reach(symptom, direct)].filter((cause) => !direct.has(cause));

import { OTHER, type Outcome } from '#libs/telemetry';
import {
  added,
  dispersionOf,
  type EdgeFacts,
  type Facts,
  type Series,
  type ServiceFacts,
  usualOf,
} from '../facts/facts.js';
import { excessEvidence, needed } from '../statistics/evidence.js';
import { type Segment, strongestSegment, sumOf } from '../statistics/segment.js';
import type { Symptom } from './symptom.js';

/** Fewer failures than this are an anecdote, however improbable. */
const LEAST_FAILURES = 4;
/** A rise of less than this share of all requests is proven easily where there are many, and is no failure pattern: objectives watch those. */
const LEAST_RISE = 0.01;
/** Nats from which on an edge is taken to be among those with the failures: a chance of one in a hundred. */
const EDGE_EVIDENCE = Math.log(100);
/** That failures stopped is believed when going on would have shown with a chance of 99 in 100. */
const SILENCE = Math.log(100);

interface Scan {
  readonly segment: Segment;
  readonly evidence: number;
}

/** Every service and outcome with more failures than usual somewhere in the window. */
export function findSymptoms(facts: Facts): Symptom[] {
  // What a row budget has thrown together is no service.
  const services = [...facts.services.values()].filter(({ callee }) => callee !== OTHER);
  const tested = services.flatMap((service) => outcomesOf(service).map((outcome) => ({ service, outcome })));
  const tests = tested.reduce((sum, { service }) => sum + 1 + service.edges.length, 0);
  const enough = needed(tests * facts.buckets);
  return tested.flatMap(({ service, outcome }) => symptomsOf(facts, { service, outcome, enough }));
}

export function outcomesOf(service: ServiceFacts): Outcome[] {
  return [...new Set(service.edges.flatMap((edge) => [...edge.failed.keys()]))].sort();
}

/** The strongest, and the strongest after it when that is over: an outage of long ago must not hide one of now. */
function symptomsOf(facts: Facts, test: Omit<Test, 'after'>): Symptom[] {
  const first = symptom(facts, { ...test, after: -1 });
  if (first === undefined || first.ongoing) return first ? [first] : [];
  const second = symptom(facts, { ...test, after: first.segment.to });
  return second ? [first, second] : [first];
}

interface Test {
  /** Failures up to this bucket are left out. */
  readonly after: number;
  readonly service: ServiceFacts;
  readonly outcome: Outcome;
  readonly enough: number;
}

function symptom(facts: Facts, test: Test): Symptom | undefined {
  const { service, outcome, enough } = test;
  const candidates = service.edges.filter((edge) => edge.failed.has(outcome));
  const whole = scan(facts, service.edges, test);
  if (whole && whole.evidence >= enough) return made(facts, { ...test, edges: candidates, scanned: whole });
  // A quiet edge among loud ones: what is lost in the sum may be plain there.
  const scans = candidates.flatMap((edge) => {
    const found = scan(facts, [edge], test);
    return found && found.evidence >= enough ? [{ edge, found }] : [];
  });
  const best = scans.reduce<Scan | undefined>((a, b) => (a && a.evidence >= b.found.evidence ? a : b.found), undefined);
  if (best === undefined) return undefined;
  return made(facts, { ...test, edges: scans.map(({ edge }) => edge), scanned: best });
}

function scan(
  facts: Facts,
  edges: readonly EdgeFacts[],
  { outcome, after }: Pick<Test, 'outcome' | 'after'>,
): Scan | undefined {
  const failed = failedOf(facts, edges, outcome).fill(0, 0, after + 1);
  if (sumOf(failed, 0, failed.length) < LEAST_FAILURES) return undefined;
  const segment = strongestSegment(failed, smoothTotal(facts, edges), usualOf(edges, outcome));
  if (segment === undefined || segment.failed < LEAST_FAILURES) return undefined;
  if (segment.failed - segment.expected < LEAST_RISE * segment.total) return undefined;
  return { segment, evidence: segment.evidence / dispersionOf(edges) };
}

/** Buckets on either side over which totals are averaged. */
const AROUND = 3;
/** Of the usual traffic, what is taken to be there even where less was seen. */
const AT_LEAST = 0.7;

/**
 * How many there were, without the noise of the sample: a quiet edge has buckets of which none was seen but those that failed, and
 * whatever failed among them would look like an outage.
 */
function smoothTotal(facts: Facts, edges: readonly EdgeFacts[]): Series {
  const total = added(
    edges.map((edge) => edge.total),
    facts.buckets,
  );
  const rate = edges.reduce(
    (sum, { usual }) => sum + (usual ? usual.requestsPerSecond * usual.attemptsPerRequest : 0),
    0,
  );
  const least = AT_LEAST * rate * (facts.bucketMs / 1_000);
  return total.map((_, i) => {
    const [from, to] = [Math.max(0, i - AROUND), Math.min(total.length - 1, i + AROUND)];
    return Math.max(least, sumOf(total, from, to) / (to - from + 1));
  });
}

export const failedOf = (facts: Facts, edges: readonly EdgeFacts[], outcome: Outcome): Series =>
  added(
    edges.map((edge) => edge.failed.get(outcome)),
    facts.buckets,
  );

function made(
  facts: Facts,
  { service, outcome, enough, edges, scanned }: Test & { readonly edges: readonly EdgeFacts[]; readonly scanned: Scan },
): Symptom {
  const { segment } = scanned;
  const elevated = edges
    .map((edge) => ({ edge, excess: excessOn(edge, outcome, segment) }))
    .filter(({ edge, excess }) => excess > 0 && evidenceOn(edge, outcome, segment) >= EDGE_EVIDENCE)
    .sort((a, b) => b.excess - a.excess)
    .map(({ edge }) => edge);
  const chosen = elevated.length > 0 ? elevated : edges;
  return {
    service,
    outcome,
    segment,
    ongoing: mayGoOn(facts, chosen, { outcome, segment }),
    excess: Math.max(0, segment.failed - segment.expected),
    failedRequests: chosen.reduce((sum, edge) => sum + inSegment(edge.failedRequests.get(outcome), segment), 0),
    evidence: scanned.evidence,
    enough,
    edges: chosen,
    usual: segment.total > 0 ? segment.expected / segment.total : 0,
  };
}

const inSegment = (series: Series | undefined, { from, to }: Segment): number => (series ? sumOf(series, from, to) : 0);

const excessOn = (edge: EdgeFacts, outcome: Outcome, segment: Segment): number =>
  inSegment(edge.failed.get(outcome), segment) - inSegment(edge.total, segment) * usualOf([edge], outcome);

const evidenceOn = (edge: EdgeFacts, outcome: Outcome, segment: Segment): number =>
  excessEvidence(
    inSegment(edge.failed.get(outcome), segment),
    inSegment(edge.total, segment) * usualOf([edge], outcome),
  );

/** Whether the silence since the segment is too short to say that it ended. */
function mayGoOn(
  facts: Facts,
  edges: readonly EdgeFacts[],
  { outcome, segment }: { readonly outcome: Outcome; readonly segment: Segment },
): boolean {
  const last = facts.buckets - 1;
  if (segment.to >= last) return true;
  const failed = failedOf(facts, edges, outcome);
  const total = added(
    edges.map((edge) => edge.total),
    facts.buckets,
  );
  const during = sumOf(total, segment.from, segment.to);
  const share = during > 0 ? sumOf(failed, segment.from, segment.to) / during : 0;
  const after = sumOf(failed, segment.to + 1, last);
  return share * sumOf(total, segment.to + 1, last) - after < SILENCE;
}

import { LatencySketch } from '#libs/telemetry';
import { added, type Facts, type Series, type ServiceFacts } from './facts/facts.js';
import { excessEvidence, meanOf, riseEvidence, shareEvidence } from './statistics/evidence.js';
import { shareAbove } from './statistics/latency.js';
import { sumOf } from './statistics/segment.js';

/** A measure of one service, now and as it usually is. */
export interface Compared {
  readonly now: number;
  readonly usual: number;
  /** That it rose, in nats. */
  readonly evidence: number;
}

export interface Load {
  /** Per second. */
  readonly requests: Compared;
  readonly attempts: Compared;
  readonly attemptsPerRequest: Compared;
  /** Of single attempts that succeeded. Milliseconds; the median. */
  readonly latency: Compared;
}

/** Buckets, both included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Fewer buckets before than this are no measure of the usual; the baseline is taken instead. */
const LEAST_BEFORE = 6;
/** Of the buckets before, how many at the start are taken as usual: load rises before failures begin. */
const CALM = 2 / 3;
/** That attempts became slower only has to bear out what load or retries prove: a chance of one in a hundred. Nats. */
export const BEARS_OUT = Math.log(100);
/** Of a sample, so many stand for one that was seen: the sample's usual step. */
const WEIGHT = 16;

/** What a service had to do from one bucket to another, beside what it had before. */
export function loadOf(facts: Facts, service: ServiceFacts, span: Span): Load {
  const { from, to } = span;
  const [requests, attempts] = [seriesOf(facts, service, 'requests'), seriesOf(facts, service, 'attempts')];
  const usualAmplification = amplification(service);
  return {
    requests: requestsOf(facts, service, span),
    attempts: compare(facts, span, { series: attempts, rate: usualRate(service) * usualAmplification }),
    attemptsPerRequest: amplified(sumOf(requests, from, to), sumOf(attempts, from, to), usualAmplification),
    latency: latency(facts, service, { from, to, calm: calmTo(facts, from) }),
  };
}

/** The requests of a service from one bucket to another, beside those before. Per second. */
const requestsOf = (facts: Facts, service: ServiceFacts, span: Span): Compared =>
  compare(facts, span, { series: seriesOf(facts, service, 'requests'), rate: usualRate(service) });

const seriesOf = (facts: Facts, { edges }: ServiceFacts, of: 'requests' | 'attempts'): Series =>
  added(
    edges.map((edge) => edge[of]),
    facts.buckets,
  );

const usualRate = ({ edges }: ServiceFacts): number =>
  edges.reduce((sum, { usual }) => sum + (usual?.requestsPerSecond ?? 0), 0);

/** Up to which bucket the window before is taken as usual. */
const calmTo = (facts: Facts, from: number): number => facts.began + Math.floor((from - facts.began) * CALM);

/** @param rate the usual, of the baseline; per second */
function compare(
  facts: Facts,
  { from, to }: Span,
  { series, rate }: { readonly series: Series; readonly rate: number },
): Compared {
  const seconds = facts.bucketMs / 1_000;
  const calm = calmTo(facts, from);
  const now = [...series.subarray(from, to + 1)];
  const before =
    calm - facts.began >= LEAST_BEFORE
      ? [...series.subarray(facts.began, calm)]
      : Array.from({ length: LEAST_BEFORE }, () => rate * seconds);
  // What it had for hours it can do, also where the last minutes were quieter.
  const usual = Math.max(meanOf(before) / seconds, rate);
  return { now: meanOf(now) / seconds, usual, evidence: riseEvidence(now, before) };
}

function amplification({ edges }: ServiceFacts): number {
  let [requests, attempts] = [0, 0];
  for (const { usual } of edges) {
    if (usual === undefined) continue;
    requests += usual.requestsPerSecond;
    attempts += usual.requestsPerSecond * usual.attemptsPerRequest;
  }
  return requests > 0 ? Math.max(1, attempts / requests) : 1;
}

function amplified(requests: number, attempts: number, usual: number): Compared {
  if (requests <= 0) return { now: 1, usual, evidence: 0 };
  const retries = Math.max(0, attempts - requests);
  // What is more than the requests are attempts that failed, and those are counted, not sampled.
  return { now: attempts / requests, usual, evidence: excessEvidence(retries, (usual - 1) * requests + 1) };
}

function latency(
  facts: Facts,
  service: ServiceFacts,
  { from, to, calm }: { readonly from: number; readonly to: number; readonly calm: number },
): Compared {
  const [now, before] = [new LatencySketch(), new LatencySketch()];
  for (const { cells } of service.instances) {
    for (const cell of cells) {
      // What hangs until its time is up says nothing of how much there is to do.
      if (cell.outcome !== 'ok') continue;
      const bucket = facts.buckets + Math.floor((cell.at - facts.at) / facts.bucketMs);
      if (bucket >= from && bucket <= to) now.merge(cell.latencies);
      else if (bucket >= 0 && bucket < calm) before.merge(cell.latencies);
    }
  }
  if (now.count === 0 || before.count === 0) return { now: 0, usual: 0, evidence: 0 };
  // Under no change a tenth of the attempts takes longer than nine tenths did before.
  const slow = shareAbove(now, before.quantile(0.9));
  const seen = now.count / WEIGHT;
  return { now: now.quantile(0.5), usual: before.quantile(0.5), evidence: shareEvidence(slow * seen, seen, 0.1) };
}

/** How many times the usual. 1 where nothing usual is known. */
export const times = ({ now, usual }: Compared): number => (usual > 0 ? now / usual : 1);

/**
 * How many times the requests of a service are what they would be if nobody above it tried again: retries of a retried caller multiply.
 * 1 without retries.
 * @param known factors that are known already; services that call each other in a circle count once
 */
function floodFactor(facts: Facts, service: ServiceFacts, span: Span, known = new Map<ServiceFacts, number>()): number {
  const before = known.get(service);
  if (before !== undefined) return before;
  known.set(service, 1);
  let [sum, all] = [0, 0];
  for (const edge of service.edges) {
    const requests = sumOf(edge.requests, span.from, span.to);
    const above = (facts.servicesOf.get(edge.caller) ?? []).flatMap((callee) => facts.services.get(callee) ?? []);
    const factors = above.map((one) => retriedTimes(one, span) * floodFactor(facts, one, span, known));
    sum += requests * Math.max(1, ...factors);
    all += requests;
  }
  const factor = all > 0 ? sum / all : 1;
  known.set(service, factor);
  return factor;
}

function retriedTimes(service: ServiceFacts, { from, to }: Span): number {
  const requests = service.edges.reduce((sum, edge) => sum + sumOf(edge.requests, from, to), 0);
  const attempts = service.edges.reduce((sum, edge) => sum + sumOf(edge.attempts, from, to), 0);
  return requests > 0 ? Math.max(1, attempts / requests / amplification(service)) : 1;
}

/** Buckets after the first in which the demand is looked at before what follows from the failures. */
const ONSET = 2;

/**
 * How many times the usual the requests of a service are. What comes from retries further up would be gone with what is retried: that is
 * no demand. Since those add to it once a service fails, what came first tells most.
 */
export function demandOn(facts: Facts, service: ServiceFacts, { from, to }: Span): number {
  const demand = (span: Span): number => times(requestsOf(facts, service, span)) / floodFactor(facts, service, span);
  return Math.max(demand({ from, to }), demand({ from, to: Math.min(to, from + ONSET) }));
}

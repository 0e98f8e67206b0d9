import type { Outcome } from '#libs/telemetry';
import { at } from '../facts/baseline.js';
import type { EdgeFacts, Facts, ServiceFacts } from '../facts/facts.js';
import { latenciesOf } from '../facts/latencies.js';
import type { Segment } from '../statistics/segment.js';
import { sumOf } from '../statistics/segment.js';
import { passedOn } from './passed-on.js';
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
/** Of the newest failures, which are few: below this, what explained the earlier ones is over, and the service fails by itself. */
const STILL_EXPLAINED = 0.25;
/** A rise of load or of attempts for each request that is more than chance and the day bring. */
const ROSE = 1.25;
/** Calls from one service to the next until a slow one is reached. */
const DEEPEST = 8;

type Causes = Map<Symptom, Symptom[]>;

/**
 * Walks down the call graph: a symptom whose service itself got failures from what it calls, of about that number and at that time, is
 * derived; so is a timeout of one that waits for another, and a service that is flooded by the retries of those above it. What is
 * left are roots. No symptom causes itself: what would close a circle is left out, the earliest being looked at first.
 */
export function deriveSymptoms(facts: Facts, found: readonly Symptom[]): Symptoms {
  const byCallee = new Map<string, Symptom[]>();
  for (const symptom of found) at(byCallee, symptom.service.callee, () => []).push(symptom);
  const direct: Causes = new Map();
  const byStart = [...found].sort((a, b) => a.segment.from - b.segment.from || b.evidence - a.evidence);
  const mayFollow = byStart.filter(({ outcome }) => PASSED_ON.has(outcome));
  for (const symptom of mayFollow) link(direct, symptom, causesOf(facts, symptom, byCallee));
  for (const symptom of mayFollow) if (!direct.has(symptom)) link(direct, symptom, asOthers(facts, symptom, direct));
  for (const symptom of mayFollow) if (!direct.has(symptom)) link(direct, symptom, floodedBy(facts, symptom, byCallee));
  const roots = found.filter((symptom) => !direct.has(symptom));
  const derived: Derived[] = [...direct.keys()].map((symptom) => ({ symptom, causes: rootsOf(symptom, direct) }));
  return { roots, derived };
}

function link(direct: Causes, symptom: Symptom, causes: readonly Symptom[]): void {
  const sound = causes.filter((cause) => cause !== symptom && !reach(cause, direct).has(symptom));
  if (sound.length > 0) direct.set(symptom, sound);
}

function causesOf(facts: Facts, symptom: Symptom, byCallee: ReadonlyMap<string, readonly Symptom[]>): Symptom[] {
  const { explained, newest, by } = passedOn(facts, symptom, callsOf(facts, symptom.service));
  const goesOn = upTo(newest.explained) >= STILL_EXPLAINED * newest.failed;
  if (goesOn && upTo(explained) >= ENOUGH_EXPLAINED * symptom.excess) {
    const causes = [...new Set(by.flatMap((edge) => symptomsBelow(facts, edge, { symptom, byCallee })))];
    if (causes.length > 0) return causes;
  }
  return symptom.outcome === 'timeout' ? waitsFor(facts, symptom, byCallee) : [];
}

/** Two standard deviations more than was counted: of a few failures the half is a matter of chance. */
const upTo = (count: number): number => count + 2 * Math.sqrt(count);

/** Services on the way to the first that fails plainly: those between may pass on too few to be told. */
const BETWEEN = 2;

function symptomsBelow(
  facts: Facts,
  { callee }: EdgeFacts,
  of: { readonly symptom: Symptom; readonly byCallee: ReadonlyMap<string, readonly Symptom[]> },
  between = BETWEEN,
): Symptom[] {
  const here = (of.byCallee.get(callee) ?? []).filter(({ segment }) => overlap(segment, of.symptom.segment));
  const service = facts.services.get(callee);
  if (here.length > 0 || between === 0 || service === undefined) return here;
  const { by } = passedOn(facts, { ...of.symptom, edges: service.edges }, callsOf(facts, service));
  return by.flatMap((edge) => symptomsBelow(facts, edge, of, between - 1));
}

/** So many times as many failures of one service follow from something, for the others at that time to be taken to follow from it too. */
const FAR_MORE = 3;

/**
 * What most failures of the same service follow from. Those that end alike at another time, when these are explained in part: a burst is cut
 * into buckets, and few failures are a matter of chance. And far more that end in another way at the same time.
 */
function asOthers(facts: Facts, symptom: Symptom, direct: Causes): readonly Symptom[] {
  const { service, outcome, excess, segment } = symptom;
  const others = [...direct.keys()].filter((one) => one.service === service);
  const beside = others.filter((one) => overlap(one.segment, segment));
  const most = beside.reduce<Symptom | undefined>((a, b) => (a && a.excess >= b.excess ? a : b), undefined);
  if (most && most.excess >= FAR_MORE * excess) return direct.get(most) ?? [];
  const alike = others.find((one) => one.outcome === outcome);
  if (alike === undefined) return [];
  const { explained } = passedOn(facts, symptom, callsOf(facts, service));
  return upTo(explained) >= STILL_EXPLAINED * excess ? (direct.get(alike) ?? []) : [];
}

/** What the workloads of the failing service call. */
function callsOf(facts: Facts, { callee, known }: ServiceFacts): EdgeFacts[] {
  return (known?.workloads ?? [])
    .flatMap((workload) => facts.outgoing.get(workload) ?? [])
    .filter((edge) => edge.callee !== callee);
}

/** Follows the calls that most of the additional time is spent on, until one has symptoms of its own. */
function waitsFor(facts: Facts, symptom: Symptom, byCallee: ReadonlyMap<string, readonly Symptom[]>): Symptom[] {
  let [service, slowed] = [
    symptom.service,
    Math.max(...symptom.edges.map((edge) => slowedBy(facts, edge, symptom.segment))),
  ];
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const calls = callsOf(facts, service).map((edge) => ({ edge, slowed: slowedBy(facts, edge, symptom.segment) }));
    const slowest = calls.sort((a, b) => b.slowed - a.slowed)[0];
    const next = slowest && facts.services.get(slowest.edge.callee);
    if (next === undefined || slowest === undefined || slowest.slowed <= 0 || slowest.slowed < 0.5 * slowed) return [];
    const causes = (byCallee.get(next.callee) ?? []).filter(({ segment }) => overlap(segment, symptom.segment));
    if (causes.length > 0) return causes;
    [service, slowed] = [next, slowest.slowed];
  }
  return [];
}

const overlap = (a: Segment, b: Segment): boolean => a.from <= b.to + 1 && a.to >= b.from - 1;

/** Follows the additional requests up to where they come from: symptoms of a service that its callers call again and again. */
function floodedBy(facts: Facts, symptom: Symptom, byCallee: ReadonlyMap<string, readonly Symptom[]>): Symptom[] {
  const { segment } = symptom;
  const seen = new Set<ServiceFacts>();
  let next: ServiceFacts | undefined = symptom.service;
  while (next !== undefined && !seen.has(next) && seen.size < DEEPEST) {
    seen.add(next);
    next = mostFrom(facts, next, segment);
    if (next === undefined || !isRetried(next, segment)) continue;
    const causes = (byCallee.get(next.callee) ?? []).filter(
      (one) => one.segment.from <= segment.from && overlap(one.segment, segment),
    );
    if (causes.length > 0) return causes;
  }
  return [];
}

/** The service whose calls are most of the additional requests of another. @returns undefined when there are none to speak of */
function mostFrom(facts: Facts, { edges }: ServiceFacts, segment: Segment): ServiceFacts | undefined {
  const rises = edges.map((edge) => ({ edge, ...riseOn(facts, edge, segment) }));
  const rise = sum(rises.map((one) => one.rise));
  if (rise <= (ROSE - 1) * sum(rises.map((one) => one.usual))) return undefined;
  const byCaller = new Map<string, number>();
  for (const one of rises) byCaller.set(one.edge.caller, (byCaller.get(one.edge.caller) ?? 0) + one.rise);
  const [most] = [...byCaller].sort(([, a], [, b]) => b - a);
  if (most === undefined || most[1] < 0.5 * rise) return undefined;
  const services = (facts.servicesOf.get(most[0]) ?? []).flatMap((callee) => facts.services.get(callee) ?? []);
  return services.find((service) => isRetried(service, segment)) ?? services[0];
}

/** Whether a service gets more attempts for each request than usual. */
function isRetried({ edges }: ServiceFacts, { from, to }: Segment): boolean {
  let [attempts, usual] = [0, 0];
  for (const edge of edges) {
    attempts += sumOf(edge.attempts, from, to);
    usual += sumOf(edge.requests, from, to) * (edge.usual?.attemptsPerRequest ?? 1);
  }
  return attempts > ROSE * usual;
}

/** Requests that an edge has beyond the usual. */
export function riseOn(
  facts: Facts,
  edge: EdgeFacts,
  { from, to }: Pick<Segment, 'from' | 'to'>,
): { rise: number; usual: number } {
  const usual = (edge.usual?.requestsPerSecond ?? 0) * (facts.bucketMs / 1_000) * (to - from + 1);
  return { rise: Math.max(0, sumOf(edge.requests, from, to) - usual), usual };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** Milliseconds that the median took longer than usual. A timeout counts as the time that it took. */
export function slowedBy(facts: Facts, edge: EdgeFacts, segment: Segment): number {
  if (edge.usual === undefined || Number.isNaN(edge.usual.p50Ms)) return 0;
  const now = latenciesOf(facts, edge, { segment, of: (outcome) => outcome === 'ok' || outcome === 'timeout' });
  return now.count === 0 ? 0 : Math.max(0, now.quantile(0.5) - edge.usual.p50Ms);
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

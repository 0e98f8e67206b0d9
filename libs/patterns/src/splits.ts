import { OTHER, type Outcome } from '#libs/telemetry';
import { outcomesOf, spanOf, usualOfAll } from './candidate.js';
import { at } from './facts/baseline.js';
import type { Facts, InstanceFacts, ServiceFacts } from './facts/facts.js';
import { releasesOf } from './releases.js';
import { shareEvidence } from './statistics/evidence.js';
import { sumOf } from './statistics/segment.js';
import type { Symptom } from './symptoms/symptom.js';
import type { Fact } from './types.js';

/** Instances of one service in two groups, and how their attempts fared. */
export interface Split {
  readonly by: 'instance' | 'version' | 'zone';
  readonly value: string;
  readonly inside: readonly InstanceFacts[];
  readonly outside: readonly InstanceFacts[];
  readonly failedInside: number;
  readonly failedOutside: number;
  readonly totalInside: number;
  readonly totalOutside: number;
  /** That the group has more than its share of the failures, in nats. */
  readonly evidence: number;
  /** Of the failures beyond the usual, the share inside. */
  readonly explained: number;
}

/** A group whose rate is not at least so many times that of the others is not what is wrong. */
const TIMES = 3;
const LEAST_EXPLAINED = 0.7;

/** Attempts and failures of some instances, of the outcomes of the symptoms and while they lasted. */
export function attemptsOf(
  instances: readonly InstanceFacts[],
  symptoms: readonly Symptom[],
): { failed: number; total: number } {
  const { from, to } = spanOf(symptoms);
  let [failed, total] = [0, 0];
  for (const instance of instances) {
    total += sumOf(instance.attempts, from, to);
    for (const outcome of outcomesOf(symptoms)) {
      const series = instance.failed.get(outcome);
      if (series) failed += sumOf(series, from, to);
    }
  }
  return { failed, total };
}

/**
 * Every way to part the instances of a service by one host, one version or one zone that has its share of the failures and more,
 * the strongest first. Where two ways part them alike, the order of `by` decides.
 */
export function splitsOf(service: ServiceFacts, symptoms: readonly Symptom[]): Split[] {
  const { from, to } = spanOf(symptoms);
  const serving = service.instances.filter((instance) => sumOf(instance.attempts, from, to) > 0);
  if (serving.length < 2) return [];
  const groups = [
    ...grouped(serving, 'instance', ({ instance }) => instance),
    ...grouped(serving, 'version', ({ version }) => version),
    ...grouped(serving, 'zone', ({ zone }) => zone),
  ];
  const usual = usualOfAll(symptoms);
  const counts = new Map(serving.map((instance) => [instance, attemptsOf([instance], symptoms)]));
  const all = sumOfCounts(counts.values());
  return groups
    .flatMap((group) => split(group, { serving, counts, all, usual }) ?? [])
    .sort((a, b) => b.evidence - a.evidence);
}

type Group = Pick<Split, 'by' | 'value' | 'inside'>;

function grouped(
  serving: readonly InstanceFacts[],
  by: Split['by'],
  key: (instance: InstanceFacts) => string,
): Group[] {
  const values = new Map<string, InstanceFacts[]>();
  for (const instance of serving) at(values, key(instance), () => []).push(instance);
  // Nothing is known of what has no name, and what a row budget has thrown together is no group.
  return [...values].flatMap(([value, inside]) => (value === '' || value === OTHER ? [] : [{ by, value, inside }]));
}

interface Counts {
  readonly failed: number;
  readonly total: number;
}

interface Serving {
  readonly serving: readonly InstanceFacts[];
  readonly counts: ReadonlyMap<InstanceFacts, Counts>;
  readonly all: Counts;
  /** Share that fails as a rule. */
  readonly usual: number;
}

const sumOfCounts = (counts: Iterable<Counts>): Counts => {
  let [failed, total] = [0, 0];
  for (const one of counts) {
    failed += one.failed;
    total += one.total;
  }
  return { failed, total };
};

function split(group: Group, { serving, counts, all, usual }: Serving): Split | undefined {
  if (group.inside.length === serving.length || all.failed === 0) return undefined;
  const ours = sumOfCounts(group.inside.map((instance) => counts.get(instance) ?? { failed: 0, total: 0 }));
  const theirs = { failed: all.failed - ours.failed, total: all.total - ours.total };
  const extra = Math.max(0, ours.failed - usual * ours.total);
  const extraOutside = Math.max(0, theirs.failed - usual * theirs.total);
  const explained = extra + extraOutside > 0 ? extra / (extra + extraOutside) : 0;
  // Among so few attempts a single failure is a rate of its own; half a failure more keeps it from being taken for one.
  const [rate, other] = [ours.failed / ours.total, (theirs.failed + 0.5) / (theirs.total + 1)];
  if (explained < LEAST_EXPLAINED || rate < TIMES * other) return undefined;
  const inside = new Set(group.inside);
  return {
    ...group,
    outside: serving.filter((instance) => !inside.has(instance)),
    failedInside: ours.failed,
    failedOutside: theirs.failed,
    totalInside: ours.total,
    totalOutside: theirs.total,
    evidence: shareEvidence(ours.failed, all.failed, ours.total / all.total),
    explained,
  };
}

/** How many ways there were to part the instances of all services: what evidence is corrected for. */
export function splitTests(facts: Facts): number {
  let tests = 0;
  for (const { instances } of facts.services.values()) {
    if (instances.length < 2) continue;
    tests +=
      instances.length +
      new Set(instances.map(({ version }) => version)).size +
      new Set(instances.map(({ zone }) => zone)).size;
  }
  return Math.max(1, tests);
}

/** Outcomes of attempts that an instance was sent, and not those of a rule that refused them or found nobody. */
const REACHED: ReadonlySet<Outcome> = new Set<Outcome>([
  'error',
  'refused',
  'connect_timeout',
  'reset',
  'tls',
  'timeout',
  'overloaded',
  'other',
]);

export const reached = (symptoms: readonly Symptom[]): Symptom[] =>
  symptoms.filter(({ outcome }) => REACHED.has(outcome));

/** Of the evidence of the best way, what a release must have to be preferred: that it was just released counts for it too. */
const NEARLY = 0.7;

/** The way to part the instances that explains the failures best; a version that was released within the window, if it explains them nearly as well. */
export function bestSplit(facts: Facts, service: ServiceFacts, symptoms: readonly Symptom[]): Split | undefined {
  const splits = splitsOf(service, symptoms);
  const [best] = splits;
  if (best === undefined || best.by === 'version') return best;
  const releases = new Set(releasesOf(facts, service).map(({ version }) => version));
  const released = splits.find(
    ({ by, value, evidence }) => by === 'version' && releases.has(value) && evidence >= NEARLY * best.evidence,
  );
  return released ?? best;
}

/** Both sides of a split, for a chart. */
export const splitFact = (split: Split, of: string, others: string): Fact => ({
  kind: 'share',
  of,
  failed: split.failedInside,
  total: split.totalInside,
  beside: { of: others, failed: split.failedOutside, total: split.totalOutside },
});

/**
 * How many instances a reader would count: of some that had traffic while others failed, those that are there still, or all of them where
 * none is. What a row budget has thrown together is nobody knows how many, and counts as none.
 */
export function countOf({ known }: ServiceFacts, instances: readonly InstanceFacts[]): number {
  const there = new Set(known?.instances.map(({ instance }) => instance));
  const named = instances.filter(({ instance }) => instance !== OTHER);
  return named.filter(({ instance }) => there.has(instance)).length || named.length;
}

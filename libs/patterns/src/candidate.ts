import type { Outcome } from '#libs/telemetry';
import type { Facts } from './facts/facts.js';
import type { PatternName } from './names.js';
import type { Symptom, Symptoms } from './symptoms/symptom.js';
import type { Fact, Scope } from './types.js';

/** How many failures of a symptom a candidate accounts for. */
export interface Claim {
  readonly symptom: Symptom;
  readonly failed: number;
}

/** One possible name for some of the failures, before it is weighed against others. */
export interface Candidate {
  readonly name: PatternName;
  readonly scope: Scope;
  readonly claims: readonly Claim[];
  /** First and last bucket. */
  readonly from: number;
  readonly to: number;
  readonly ongoing: boolean;
  /** In nats. */
  readonly evidence: number;
  readonly enough: number;
  /** Of its claims, the share that it accounts for. 0 to 1. */
  readonly explained: number;
  readonly facts: readonly Fact[];
  /** Without the time, which is added. */
  readonly sentence: string;
}

/** What every pattern is given. */
export interface Evidence {
  readonly facts: Facts;
  readonly symptoms: Symptoms;
}

/** A pattern is one folder with one of these; registry.ts lists them. */
export interface PatternKind {
  readonly name: PatternName;
  find(evidence: Evidence): Candidate[];
}

/** Bounds of several symptoms together. */
export function spanOf(symptoms: readonly Symptom[]): { from: number; to: number; ongoing: boolean } {
  return {
    from: Math.min(...symptoms.map(({ segment }) => segment.from)),
    to: Math.max(...symptoms.map(({ segment }) => segment.to)),
    ongoing: symptoms.some(({ ongoing }) => ongoing),
  };
}

/** All failures beyond the usual of each. */
export const allOf = (symptoms: readonly Symptom[]): Claim[] =>
  symptoms.map((symptom) => ({ symptom, failed: symptom.excess }));

/** Symptoms by their callee, in the order of names. */
export function byCallee(symptoms: readonly Symptom[]): Map<string, Symptom[]> {
  const by = new Map<string, Symptom[]>();
  for (const symptom of symptoms) by.set(symptom.service.callee, [...(by.get(symptom.service.callee) ?? []), symptom]);
  return by;
}

/**
 * Symptoms of one service by the time that they have in common: those that overlap with the strongest, or touch it within a bucket; then
 * those with the strongest of the rest. What happened at another time has another reason.
 */
export function atOneTime(symptoms: readonly Symptom[]): Symptom[][] {
  const left = new Set([...symptoms].sort((a, b) => b.evidence - a.evidence));
  const groups: Symptom[][] = [];
  for (const strongest of left) {
    const { from, to } = strongest.segment;
    const group = [...left].filter(({ segment }) => segment.from <= to + 1 && segment.to >= from - 1);
    for (const symptom of group) left.delete(symptom);
    groups.push(group);
  }
  return groups;
}

/** Each outcome once, also where it was a symptom twice. */
export const outcomesOf = (symptoms: readonly Symptom[]): Outcome[] => [
  ...new Set(symptoms.map(({ outcome }) => outcome)),
];

/** The share that fails in these ways as a rule. */
export const usualOfAll = (symptoms: readonly Symptom[]): number =>
  outcomesOf(symptoms).reduce(
    (sum, wanted) => sum + (symptoms.find(({ outcome }) => outcome === wanted)?.usual ?? 0),
    0,
  );

import { sortedUnique } from '#libs/kernel';
import type { Outcome } from '#libs/telemetry';
import { allOf, atOneTime, byCallee, type Candidate, type Evidence, spanOf, usualOfAll } from './candidate.js';
import { groupsOf, type Way } from './groups.js';
import type { PatternName } from './names.js';
import { countsOf, narrowed } from './narrow.js';
import { splitsOf, splitTests } from './splits.js';
import { needed } from './statistics/evidence.js';
import type { Symptom } from './symptoms/symptom.js';
import type { Fact, Scope } from './types.js';
import { listed, percent, serviceName } from './words.js';

/** What a sentence is made of. */
export interface Told {
  readonly scope: Scope;
  readonly failed: number;
  readonly total: number;
  /** `shop/orders`, or the names of several. */
  readonly callee: string;
  /** ` of shop/web`, empty for all. */
  readonly callers: string;
  /** `12 %`. */
  readonly share: string;
}

export interface OutcomePattern {
  readonly name: PatternName;
  /** Whose failures it is; or, of those that have several ways to fail, the one that prevails. */
  readonly outcomes?: ReadonlySet<Outcome>;
  readonly prevailing?: ReadonlySet<Way>;
  /** Whether one caller to many services is one pattern: the caller's own credential, policy or resolver. */
  readonly mergeCallers?: boolean;
  /** Whether it may be the matter of one instance. */
  readonly byInstance?: boolean;
  readonly sentence: (told: Told) => string;
}

interface Group {
  readonly symptoms: readonly Symptom[];
  readonly narrow: Pick<Scope, 'callers' | 'routes' | 'instances'>;
}

/** Patterns whose failures say by themselves what they are: one outcome, one name. */
export function candidatesOf(evidence: Evidence, pattern: OutcomePattern): Candidate[] {
  const groups = partsOf(evidence, pattern).map((symptoms) => groupOf(evidence, symptoms, pattern));
  const merged = pattern.mergeCallers === true ? mergeByCaller(groups) : groups;
  return merged.map((group) => candidateOf(evidence, group, pattern));
}

function partsOf(evidence: Evidence, { outcomes, prevailing }: OutcomePattern): (readonly Symptom[])[] {
  if (prevailing)
    return groupsOf(evidence).flatMap((group) => (prevailing.has(group.prevailing) ? [group.symptoms] : []));
  const roots = evidence.symptoms.roots.filter(({ outcome }) => outcomes?.has(outcome));
  return [...byCallee(roots).values()].flatMap(atOneTime);
}

function groupOf(evidence: Evidence, symptoms: readonly Symptom[], pattern: OutcomePattern): Group {
  const narrow = narrowed(symptoms);
  const service = symptoms[0]?.service;
  if (pattern.byInstance !== true || service === undefined) return { symptoms, narrow };
  const best = splitsOf(service, symptoms).find(({ by }) => by === 'instance');
  const one = best !== undefined && best.evidence >= needed(splitTests(evidence.facts)) && best.explained > 0.9;
  return { symptoms, narrow: one ? { ...narrow, instances: [best.value] } : narrow };
}

/** From so many services on that only one workload cannot reach, be it that nobody else calls them, it is that workload's matter. */
const LEAST_CALLEES = 2;
/** Buckets between the first and the last of them. */
const AT_ONCE = 3;

function mergeByCaller(groups: readonly Group[]): Group[] {
  const byCaller = new Map<string, Group[]>();
  for (const group of groups) {
    const callers = sortedUnique(group.symptoms.flatMap(({ edges }) => edges.map(({ caller }) => caller)));
    const [only] = callers;
    if (callers.length === 1 && only !== undefined) byCaller.set(only, [...(byCaller.get(only) ?? []), group]);
  }
  const left = new Set(groups);
  const merged: Group[] = [];
  for (const [caller, ofCaller] of byCaller) {
    const starts = ofCaller.map(({ symptoms }) => spanOf(symptoms).from);
    if (ofCaller.length < LEAST_CALLEES || Math.max(...starts) - Math.min(...starts) > AT_ONCE) continue;
    for (const group of ofCaller) left.delete(group);
    merged.push({ symptoms: ofCaller.flatMap(({ symptoms }) => symptoms), narrow: { callers: [caller] } });
  }
  return [...left, ...merged];
}

function candidateOf(evidence: Evidence, { symptoms, narrow }: Group, pattern: OutcomePattern): Candidate {
  const callees = sortedUnique(symptoms.map(({ service }) => service.callee));
  const scope = { callees, ...narrow };
  const span = spanOf(symptoms);
  const counts = [...byCallee(symptoms).values()].map((ofCallee) => countsOf(evidence.facts, ofCallee, span));
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  const total = counts.reduce((sum, count) => sum + count.total, 0);
  const strongest = symptoms.reduce((a, b) => (b.evidence > a.evidence ? b : a));
  return {
    name: pattern.name,
    scope,
    claims: allOf(symptoms),
    ...span,
    evidence: strongest.evidence,
    enough: strongest.enough,
    explained: 1,
    facts: [shareFact({ of: listed(callees.map(serviceName)), failed, total }, symptoms), outcomesFact(symptoms)],
    sentence: pattern.sentence({
      scope,
      failed,
      total,
      callee: listed(callees.map(serviceName)),
      callers: narrow.callers
        ? ` of ${listed(narrow.callers.map((caller) => caller || 'callers without an identity'))}`
        : '',
      share: percent(failed, total),
    }),
  };
}

/** The share that failed beside what is usual there. */
export function shareFact(
  counted: { readonly of: string; readonly failed: number; readonly total: number },
  symptoms: readonly Symptom[],
): Fact {
  const usual = usualOfAll(symptoms);
  return { kind: 'share', ...counted, beside: { of: 'usual', failed: usual * counted.total, total: counted.total } };
}

export function outcomesFact(symptoms: readonly Symptom[]): Fact {
  const counts: Record<string, number> = {};
  for (const { outcome, segment } of symptoms) counts[outcome] = (counts[outcome] ?? 0) + segment.failed;
  return { kind: 'outcomes', counts };
}

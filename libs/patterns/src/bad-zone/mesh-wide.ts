import { sortedUnique } from '#libs/kernel';
import type { Outcome } from '#libs/telemetry';
import { outcomesFact } from '../by-outcome.js';
import { type Candidate, type Evidence, spanOf } from '../candidate.js';
import type { Facts, ServiceFacts } from '../facts/facts.js';
import { reached } from '../splits.js';
import { needed, shareEvidence } from '../statistics/evidence.js';
import { sumOf } from '../statistics/segment.js';
import type { Symptom } from '../symptoms/symptom.js';
import type { Scope } from '../types.js';
import { percent, plural } from '../words.js';

/** A supposition: that attempts of these zone pairs are the ones that fail. */
interface Supposition {
  readonly scope: Pick<Scope, 'callerZone' | 'calleeZone'>;
  readonly words: string;
  readonly holds: (callerZone: string, calleeZone: string) => boolean;
}

interface Fared {
  readonly service: ServiceFacts;
  readonly failedInside: number;
  readonly failed: number;
  readonly totalInside: number;
  readonly total: number;
  readonly evidence: number;
}

interface Judged {
  readonly supposition: Supposition;
  /** Services that prove it, and all whose failures are where it says. */
  readonly hit: readonly Fared[];
  readonly consistent: readonly Fared[];
  readonly evidence: number;
  readonly failedInside: number;
  readonly totalInside: number;
  readonly failedOutside: number;
  readonly totalOutside: number;
}

/** Two services with a bad host each in one zone are no bad zone. */
const LEAST_SERVICES = 3;
/** Of the services with enough traffic there to tell, the share that must suffer. */
const LEAST_COVERAGE = 0.5;
/** Failures that a service would have if it suffered like the others: enough to tell. */
const ENOUGH_TRAFFIC = 4;
const HIT_EVIDENCE = Math.log(20);
const LEAST_EXPLAINED = 0.7;
/** What a broken network makes of attempts. */
const NETWORK: readonly Outcome[] = ['refused', 'connect_timeout', 'reset', 'timeout', 'tls', 'other'];

/** The zone or zone pair that accounts for failures of many services at once, stratified by service (as Mantel and Haenszel, 1959). */
export function meshWide({ facts, symptoms }: Evidence): Candidate[] {
  const all = reached(symptoms.roots);
  const network = all.filter(({ outcome }) => NETWORK.includes(outcome));
  const found = candidateOf(facts, network) ?? candidateOf(facts, all);
  return found ? [found] : [];
}

function candidateOf(facts: Facts, roots: readonly Symptom[]): Candidate | undefined {
  const symptoms = simultaneous(roots);
  if (new Set(symptoms.map(({ service }) => service)).size < LEAST_SERVICES) return undefined;
  const suppositions = suppositionsOf(facts);
  const enough = needed(suppositions.length * facts.services.size);
  const judged = suppositions
    .flatMap((supposition) => judge(facts, symptoms, supposition) ?? [])
    .filter(({ evidence }) => evidence >= enough)
    .sort((a, b) => b.evidence - a.evidence);
  return judged[0] ? made(judged[0], symptoms, enough) : undefined;
}

/** Those that overlap in time with the strongest. */
function simultaneous(roots: readonly Symptom[]): Symptom[] {
  const strongest = roots.reduce<Symptom | undefined>((a, b) => (a && a.evidence >= b.evidence ? a : b), undefined);
  if (strongest === undefined) return [];
  const { from, to } = strongest.segment;
  return roots.filter(({ segment }) => segment.from <= to && segment.to >= from - 1);
}

function suppositionsOf(facts: Facts): Supposition[] {
  const zones = sortedUnique(
    [...facts.services.values()].flatMap((service) =>
      service.zones.flatMap((pair) => [pair.callerZone, pair.calleeZone]),
    ),
  );
  const single = zones.flatMap((zone): Supposition[] => [
    { scope: { calleeZone: zone }, words: `into zone ${zone}`, holds: (_, callee) => callee === zone },
    { scope: { callerZone: zone }, words: `out of zone ${zone}`, holds: (caller) => caller === zone },
    {
      scope: { calleeZone: zone },
      words: `to and from zone ${zone}`,
      holds: (caller, callee) => (caller === zone) !== (callee === zone),
    },
  ]);
  const pairs = zones.flatMap((a) => zones.map((b) => [a, b] as const));
  // Where there are two zones, cut off from the other is the same as between both: the pair comes first.
  return [...pairs.flatMap(([a, b]) => pairSuppositions(a, b)), ...single];
}

function pairSuppositions(a: string, b: string): Supposition[] {
  const scope = { callerZone: a, calleeZone: b };
  const one = {
    scope,
    words: `from zone ${a} to zone ${b}`,
    holds: (caller: string, callee: string) => caller === a && callee === b,
  };
  if (a >= b) return [one];
  const both = (caller: string, callee: string): boolean =>
    (caller === a && callee === b) || (caller === b && callee === a);
  return [one, { scope, words: `between zones ${a} and ${b}`, holds: both }];
}

function judge(facts: Facts, symptoms: readonly Symptom[], supposition: Supposition): Judged | undefined {
  const span = spanOf(symptoms);
  const outcomes = [...new Set(symptoms.map(({ outcome }) => outcome))];
  const fared = [...facts.services.values()].map((service) => fare(service, { ...span, outcomes, supposition }));
  const failedInside = sum(fared, 'failedInside');
  const totalInside = sum(fared, 'totalInside');
  const rate = totalInside > 0 ? failedInside / totalInside : 0;
  const telling = fared.filter((one) => one.totalInside * rate >= ENOUGH_TRAFFIC);
  const hit = telling.filter((one) => one.evidence >= HIT_EVIDENCE && one.failedInside >= LEAST_EXPLAINED * one.failed);
  if (hit.length < LEAST_SERVICES || hit.length < LEAST_COVERAGE * telling.length) return undefined;
  const [failed, total] = [sum(hit, 'failed'), sum(hit, 'total')];
  return {
    supposition,
    hit,
    consistent: fared.filter((one) => one.failedInside >= LEAST_EXPLAINED * one.failed && one.failed > 0),
    evidence: hit.reduce((all, one) => all + one.evidence, 0),
    failedInside: sum(hit, 'failedInside'),
    totalInside: sum(hit, 'totalInside'),
    failedOutside: failed - sum(hit, 'failedInside'),
    totalOutside: total - sum(hit, 'totalInside'),
  };
}

interface Looked {
  readonly from: number;
  readonly to: number;
  readonly outcomes: readonly Outcome[];
  readonly supposition: Supposition;
}

function fare(service: ServiceFacts, { from, to, outcomes, supposition }: Looked): Fared {
  let [failedInside, failed, totalInside, total] = [0, 0, 0, 0];
  for (const pair of service.zones) {
    const attempts = sumOf(pair.attempts, from, to);
    const bad = outcomes.reduce((all, outcome) => all + sumOf(pair.failed.get(outcome) ?? [], from, to), 0);
    total += attempts;
    failed += bad;
    if (!supposition.holds(pair.callerZone, pair.calleeZone)) continue;
    totalInside += attempts;
    failedInside += bad;
  }
  const evidence = total > totalInside ? shareEvidence(failedInside, failed, totalInside / total) : 0;
  return { service, failedInside, failed, totalInside, total, evidence };
}

const sum = (fared: readonly Fared[], key: 'failedInside' | 'failed' | 'totalInside' | 'total'): number =>
  fared.reduce((all, one) => all + one[key], 0);

function made(judged: Judged, symptoms: readonly Symptom[], enough: number): Candidate {
  const hit = new Map(judged.consistent.map((one) => [one.service, one]));
  const ours = symptoms.filter(({ service }) => hit.has(service));
  const { failedInside, totalInside, failedOutside, totalOutside } = judged;
  const [inside, outside] = [percent(failedInside, totalInside), percent(failedOutside, totalOutside)];
  return {
    name: 'bad_zone',
    scope: { callees: sortedUnique(ours.map(({ service }) => service.callee)), ...judged.supposition.scope },
    claims: ours.map((symptom) => ({ symptom, failed: symptom.excess * shareOf(hit.get(symptom.service)) })),
    ...spanOf(ours),
    evidence: judged.evidence,
    enough,
    explained: failedInside / Math.max(1, failedInside + failedOutside),
    facts: [
      {
        kind: 'share',
        of: judged.supposition.words,
        failed: failedInside,
        total: totalInside,
        beside: { of: 'elsewhere', failed: failedOutside, total: totalOutside },
      },
      outcomesFact(ours),
    ],
    sentence: `Attempts ${judged.supposition.words} fail to ${inside}, elsewhere to ${outside}: ${plural(new Set(ours.map(({ service }) => service)).size, 'service')}`,
  };
}

const shareOf = (fared: Fared | undefined): number =>
  fared && fared.failed > 0 ? fared.failedInside / fared.failed : 0;

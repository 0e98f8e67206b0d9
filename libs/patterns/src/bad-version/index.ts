import { outcomesFact } from '../by-outcome.js';
import {
  atOneTime,
  byCallee,
  type Candidate,
  type Evidence,
  outcomesOf,
  type PatternKind,
  spanOf,
} from '../candidate.js';
import type { Facts, ServiceFacts } from '../facts/facts.js';
import { type Release, releasesOf } from '../releases.js';
import { bestSplit, countOf, reached, type Split, splitFact, splitTests } from '../splits.js';
import { needed, shareEvidence } from '../statistics/evidence.js';
import { sumOf } from '../statistics/segment.js';
import type { Symptom } from '../symptoms/symptom.js';
import { percent, plural, serviceName } from '../words.js';

/** All instances of one version fail and those of the others do not: beside it, or before it when none is left. */
export const badVersion: PatternKind = { name: 'bad_version', find };

/** What would have failed at the later rate before the failures began: as much silence acquits a version. */
const ACQUITTED = Math.log(100);
const LEAST_EXPLAINED = 0.7;

function find(evidence: Evidence): Candidate[] {
  const enough = needed(splitTests(evidence.facts));
  return [...byCallee(reached(evidence.symptoms.roots)).values()].flatMap(atOneTime).flatMap((group) => {
    const service = group[0]?.service;
    if (service === undefined) return [];
    const best = bestSplit(evidence.facts, service, group);
    const split = best?.by === 'version' ? best : beforeAndAfter(evidence.facts, service, group);
    return split !== undefined && split.evidence >= enough ? [candidate(group, split, enough)] : [];
  });
}

/** When the release is all that is left, its instances are compared with those that it replaced. */
function beforeAndAfter(facts: Facts, service: ServiceFacts, symptoms: readonly Symptom[]): Split | undefined {
  const splits = releasesOf(facts, service).flatMap(
    (release) => againstEarlier(facts, service, { release, symptoms }) ?? [],
  );
  return splits.sort((a, b) => b.evidence - a.evidence)[0];
}

function againstEarlier(
  facts: Facts,
  service: ServiceFacts,
  { release, symptoms }: { readonly release: Release; readonly symptoms: readonly Symptom[] },
): Split | undefined {
  const { from } = spanOf(symptoms);
  const last = facts.buckets - 1;
  // Of an instance whose version is not known nobody can say that it is another one.
  const outside = service.instances.filter(
    (instance) => instance.version !== '' && !release.instances.includes(instance),
  );
  const ours = attemptsIn(release.instances, symptoms, { from: release.from, to: last });
  const theirs = attemptsIn(outside, symptoms, { from: 0, to: last });
  const early = attemptsIn(release.instances, symptoms, { from: release.from, to: from - 1 });
  const late = attemptsIn(release.instances, symptoms, { from, to: last });
  const rate = late.total > 0 ? late.failed / late.total : 0;
  if (early.total * rate - early.failed > ACQUITTED) return undefined;
  const extra = ours.failed + theirs.failed;
  const explained = extra > 0 ? ours.failed / extra : 0;
  if (explained < LEAST_EXPLAINED || ours.total + theirs.total === 0) return undefined;
  return {
    by: 'version',
    value: release.version,
    inside: release.instances,
    outside,
    failedInside: ours.failed,
    failedOutside: theirs.failed,
    totalInside: ours.total,
    totalOutside: theirs.total,
    evidence: shareEvidence(ours.failed, extra, ours.total / (ours.total + theirs.total)),
    explained,
  };
}

function attemptsIn(
  instances: Split['inside'],
  symptoms: readonly Symptom[],
  { from, to }: { readonly from: number; readonly to: number },
): { failed: number; total: number } {
  let [failed, total] = [0, 0];
  for (const instance of instances) {
    total += sumOf(instance.attempts, from, to);
    for (const outcome of outcomesOf(symptoms)) failed += sumOf(instance.failed.get(outcome) ?? [], from, to);
  }
  return { failed, total };
}

function candidate(symptoms: readonly Symptom[], split: Split, enough: number): Candidate {
  const service = symptoms[0]?.service;
  const callee = service?.callee ?? '';
  const count = service ? countOf(service, split.outside) : 0;
  const others = plural(count, 'instance of another version', 'instances of other versions');
  const [ours, theirs] = [
    percent(split.failedInside, split.totalInside),
    percent(split.failedOutside, split.totalOutside),
  ];
  return {
    name: 'bad_version',
    scope: { callees: [callee], version: split.value },
    claims: symptoms.map((symptom) => ({ symptom, failed: symptom.excess * split.explained })),
    ...spanOf(symptoms),
    evidence: split.evidence,
    enough,
    explained: split.explained,
    facts: [splitFact(split, split.value, others), outcomesFact(symptoms)],
    sentence: `Version ${split.value} of ${serviceName(callee)} fails ${ours} of its attempts, ${others} ${theirs}`,
  };
}

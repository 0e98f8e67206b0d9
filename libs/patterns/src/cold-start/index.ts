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
import type { Facts, InstanceFacts, ServiceFacts } from '../facts/facts.js';
import { joinedAt, releasesOf } from '../releases.js';
import { reached, splitTests } from '../splits.js';
import { needed, shareEvidence } from '../statistics/evidence.js';
import { sumOf } from '../statistics/segment.js';
import type { Symptom } from '../symptoms/symptom.js';
import { instanceName, listed, percent, serviceName } from '../words.js';

/** Instances fail in the seconds after they joined, and then no more. */
export const coldStart: PatternKind = { name: 'cold_start', find };

/** Seconds for which an instance may be cold; one that still fails later is broken. */
const LONGEST_S = 60;
const LEAST_EXPLAINED = 0.7;
/** That an instance recovered is believed when it would else have failed with a chance of 99 in 100. */
const RECOVERED = Math.log(100);
/** While it is still cold nobody can know whether it will recover. */
const PROVISIONAL = 0.6;

interface Fresh {
  readonly instance: InstanceFacts;
  readonly joined: number;
}

interface Cold {
  readonly fresh: readonly Fresh[];
  readonly failedInside: number;
  readonly totalInside: number;
  readonly failed: number;
  readonly total: number;
  readonly evidence: number;
}

function find({ facts, symptoms }: Evidence): Candidate[] {
  const longest = Math.max(1, Math.round((LONGEST_S * 1_000) / facts.bucketMs));
  const enough = needed(splitTests(facts) * longest);
  return [...byCallee(reached(symptoms.roots)).values()].flatMap(atOneTime).flatMap((group) => {
    const service = group[0]?.service;
    if (service === undefined) return [];
    const best = coldest(facts, service, { symptoms: group, longest });
    if (best === undefined || best.evidence < enough) return [];
    const over = recovered(facts, best, { symptoms: group, longest });
    return over === undefined ? [] : [candidate(group, best, { enough, over })];
  });
}

/** The length of being cold that explains most. */
function coldest(
  facts: Facts,
  service: ServiceFacts,
  { symptoms, longest }: { readonly symptoms: readonly Symptom[]; readonly longest: number },
): Cold | undefined {
  const { from, to } = spanOf(symptoms);
  const fresh = service.instances
    .map((instance) => ({ instance, joined: joinedAt(facts, instance) }))
    .filter(({ joined }) => joined >= from - 1 && joined <= to && joined > facts.began);
  if (fresh.length === 0 || fresh.length === service.instances.length) return undefined;
  let best: Cold | undefined;
  for (let length = 1; length <= longest; length += 1) {
    const cold = whileCold(service, { fresh, symptoms, length });
    const explains = cold.failedInside >= LEAST_EXPLAINED * cold.failed;
    if (explains && (best === undefined || cold.evidence > best.evidence)) best = cold;
  }
  return best;
}

function whileCold(
  service: ServiceFacts,
  {
    fresh,
    symptoms,
    length,
  }: { readonly fresh: readonly Fresh[]; readonly symptoms: readonly Symptom[]; readonly length: number },
): Cold {
  const { from, to } = spanOf(symptoms);
  const all = fared(service.instances, symptoms, { from, to });
  const suffering: Fresh[] = [];
  let [failedInside, totalInside] = [0, 0];
  for (const one of fresh) {
    const cold = fared([one.instance], symptoms, {
      from: Math.max(from, one.joined),
      to: Math.min(to, one.joined + length - 1),
    });
    if (cold.failed === 0) continue;
    suffering.push(one);
    failedInside += cold.failed;
    totalInside += cold.total;
  }
  const evidence = all.total > 0 ? shareEvidence(failedInside, all.failed, totalInside / all.total) : 0;
  return { fresh: suffering, failedInside, totalInside, ...all, evidence };
}

function fared(
  instances: readonly InstanceFacts[],
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

/** @returns whether it is over, false while the last of them may still be cold; undefined when they fail on */
function recovered(
  facts: Facts,
  cold: Cold,
  { symptoms, longest }: { readonly symptoms: readonly Symptom[]; readonly longest: number },
): boolean | undefined {
  const last = facts.buckets - 1;
  const rate = cold.totalInside > 0 ? cold.failedInside / cold.totalInside : 0;
  const { to } = spanOf(symptoms);
  let silence = 0;
  for (const { instance } of cold.fresh) {
    const after = fared([instance], symptoms, { from: to + 1, to: last });
    silence += after.total * rate - after.failed;
  }
  if (silence >= RECOVERED) return true;
  const youngest = Math.max(...cold.fresh.map(({ joined }) => joined));
  if (last - youngest >= longest) return undefined;
  // Of a version that was not there before, the version is the nearer explanation as long as it fails.
  const releases = new Set(releasesOf(facts, symptomsService(symptoms)).map(({ version }) => version));
  return cold.fresh.some(({ instance }) => releases.has(instance.version)) ? undefined : false;
}

const symptomsService = (symptoms: readonly Symptom[]): ServiceFacts => {
  const [first] = symptoms;
  if (first === undefined) throw new RangeError('no symptoms');
  return first.service;
};

function candidate(
  symptoms: readonly Symptom[],
  cold: Cold,
  { enough, over }: { readonly enough: number; readonly over: boolean },
): Candidate {
  const callee = symptoms[0]?.service.callee ?? '';
  const instances = cold.fresh.map(({ instance }) => instance.instance).sort();
  const explained = cold.failedInside / Math.max(1, cold.failed);
  const [failed, total] = [cold.failed - cold.failedInside, cold.total - cold.totalInside];
  const end = over ? 'and then no more' : 'so far';
  return {
    name: 'cold_start',
    scope: { callees: [callee], instances },
    claims: symptoms.map((symptom) => ({ symptom, failed: symptom.excess * explained })),
    ...spanOf(symptoms),
    ongoing: !over,
    evidence: cold.evidence,
    enough,
    explained: over ? explained : explained * PROVISIONAL,
    facts: [
      {
        kind: 'share',
        of: 'just joined',
        failed: cold.failedInside,
        total: cold.totalInside,
        beside: { of: 'the others', failed, total },
      },
      outcomesFact(symptoms),
    ],
    sentence: `${listed(instances.map(instanceName))} of ${serviceName(callee)} failed ${percent(cold.failedInside, cold.totalInside)} of the attempts just after joining, ${end}`,
  };
}

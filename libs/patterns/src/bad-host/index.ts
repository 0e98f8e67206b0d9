import { outcomesFact } from '../by-outcome.js';
import { atOneTime, byCallee, type Candidate, type Evidence, type PatternKind, spanOf } from '../candidate.js';
import { bestSplit, countOf, reached, type Split, splitFact, splitTests } from '../splits.js';
import { needed } from '../statistics/evidence.js';
import type { Symptom } from '../symptoms/symptom.js';
import { instanceName, percent, plural, serviceName } from '../words.js';

/** One instance fails and its siblings do not. */
export const badHost: PatternKind = { name: 'bad_host', find };

function find(evidence: Evidence): Candidate[] {
  const enough = needed(splitTests(evidence.facts));
  return [...byCallee(reached(evidence.symptoms.roots)).values()].flatMap(atOneTime).flatMap((group) => {
    const [service] = group.map((symptom) => symptom.service);
    const best = service ? bestSplit(evidence.facts, service, group) : undefined;
    // The strongest way to part them must be the host: where a version or a zone parts them better, it is not this one alone.
    return best?.by === 'instance' && best.evidence >= enough ? [candidate(group, best, enough)] : [];
  });
}

function candidate(symptoms: readonly Symptom[], split: Split, enough: number): Candidate {
  const service = symptoms[0]?.service;
  const callee = service?.callee ?? '';
  const count = service ? countOf(service, split.outside) : 0;
  const siblings = count > 0 ? plural(count, 'sibling') : 'siblings';
  const [ours, theirs] = [
    percent(split.failedInside, split.totalInside),
    percent(split.failedOutside, split.totalOutside),
  ];
  return {
    name: 'bad_host',
    scope: { callees: [callee], instances: [split.value] },
    claims: symptoms.map((symptom) => ({ symptom, failed: symptom.excess * split.explained })),
    ...spanOf(symptoms),
    evidence: split.evidence,
    enough,
    explained: split.explained,
    facts: [splitFact(split, instanceName(split.value), siblings), outcomesFact(symptoms)],
    sentence: `${instanceName(split.value)} of ${serviceName(callee)} fails ${ours} of its attempts, its ${siblings} ${theirs}`,
  };
}

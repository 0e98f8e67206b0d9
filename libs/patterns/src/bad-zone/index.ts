import { outcomesFact } from '../by-outcome.js';
import { atOneTime, byCallee, type Candidate, type Evidence, type PatternKind, spanOf } from '../candidate.js';
import { bestSplit, reached, type Split, splitFact, splitTests } from '../splits.js';
import { needed } from '../statistics/evidence.js';
import type { Symptom } from '../symptoms/symptom.js';
import { percent, plural, serviceName } from '../words.js';
import { meshWide } from './mesh-wide.js';

/** Attempts into, out of or between zones fail, whichever the service; or all instances of one service in one zone. */
export const badZone: PatternKind = {
  name: 'bad_zone',
  find: (evidence) => [...meshWide(evidence), ...ofServices(evidence)],
};

function ofServices(evidence: Evidence): Candidate[] {
  const enough = needed(splitTests(evidence.facts));
  return [...byCallee(reached(evidence.symptoms.roots)).values()].flatMap(atOneTime).flatMap((group) => {
    const service = group[0]?.service;
    const best = service ? bestSplit(evidence.facts, service, group) : undefined;
    return best?.by === 'zone' && best.inside.length > 1 && best.evidence >= enough
      ? [candidate(group, best, enough)]
      : [];
  });
}

function candidate(symptoms: readonly Symptom[], split: Split, enough: number): Candidate {
  const callee = symptoms[0]?.service.callee ?? '';
  const ours = plural(split.inside.length, 'instance');
  return {
    name: 'bad_zone',
    scope: { callees: [callee], calleeZone: split.value },
    claims: symptoms.map((symptom) => ({ symptom, failed: symptom.excess * split.explained })),
    ...spanOf(symptoms),
    evidence: split.evidence,
    enough,
    explained: split.explained,
    facts: [splitFact(split, split.value, 'other zones'), outcomesFact(symptoms)],
    sentence: `${serviceName(callee)} fails ${percent(split.failedInside, split.totalInside)} of the attempts in zone ${split.value} (${ours}), ${percent(split.failedOutside, split.totalOutside)} elsewhere`,
  };
}

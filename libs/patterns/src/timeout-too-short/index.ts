import type { LatencySketch } from '#libs/telemetry';
import { outcomesFact, shareFact } from '../by-outcome.js';
import { allOf, type Candidate, type Evidence, type PatternKind, spanOf } from '../candidate.js';
import type { EdgeFacts, Facts } from '../facts/facts.js';
import { latenciesOf } from '../facts/latencies.js';
import { groupsOf } from '../groups.js';
import { countsOf, narrowed } from '../narrow.js';
import { merged, shareAbove } from '../statistics/latency.js';
import type { Symptom } from '../symptoms/symptom.js';
import { duration, percent, serviceName } from '../words.js';

/** The time given is shorter than the work takes: answers crowd below the limit, and those beyond it are lost. */
export const timeoutTooShort: PatternKind = { name: 'timeout_too_short', find };

/** From this part of the limit on, an answer has come close to it. */
const CLOSE = 0.5;
/** Against each timeout so many answers must have come close: something that hangs leaves a gap instead. */
const LEAST_CLOSE = 0.5;
/** Or so much of what came back came close: most is lost, and the rest was just in time. */
const SQUEEZED = 0.25;

interface Pressed {
  readonly limitMs: number;
  /** Of the answers in time; NaN of none. */
  readonly p90Ms: number;
  readonly usualP90Ms: number;
}

function find(evidence: Evidence): Candidate[] {
  return groupsOf(evidence).flatMap(({ symptoms, prevailing }) => {
    const symptom = symptoms.find(({ outcome }) => outcome === 'timeout');
    const edge = symptom?.edges[0];
    if (prevailing !== 'time' || symptom === undefined || edge === undefined) return [];
    const pressed = pressedOn(evidence.facts, symptom, edge);
    return pressed ? [candidate(evidence.facts, symptoms, { ...pressed, symptom })] : [];
  });
}

/** @returns undefined when answers do not crowd below the limit */
function pressedOn(facts: Facts, symptom: Symptom, edge: EdgeFacts): Pressed | undefined {
  const { segment } = symptom;
  const late = latenciesOf(facts, edge, { segment, of: (outcome) => outcome === 'timeout' });
  const good = latenciesOf(facts, edge, { segment, of: (outcome) => outcome === 'ok' });
  // Retries add up; the shortest are those that had one attempt.
  const limitMs = late.quantile(0.1);
  if (!(limitMs > 0)) return undefined;
  const usualP90Ms = usually(facts, edge, segment);
  const close = closeTo(good, limitMs);
  const crowded = close >= LEAST_CLOSE * late.count || close >= SQUEEZED * Math.max(1, good.count);
  // Where nothing comes back in time any more, what it used to take tells: the limit was moved into it.
  return crowded || usualP90Ms >= CLOSE * limitMs ? { limitMs, p90Ms: good.quantile(0.9), usualP90Ms } : undefined;
}

/** Answers of the window until the failures began: below the first nothing is known of what is usual, below the second only of their middle. */
const LEAST_BEFORE = 4;
const ENOUGH_BEFORE = 20;

/**
 * What the slowest tenth used to take: by the baseline, or in a young mesh by the window before the failures began. A route that is new, since
 * a policy gave it a name, has what the others of its caller had, and a caller that is new what the others had.
 */
function usually(facts: Facts, edge: EdgeFacts, { from }: Symptom['segment']): number {
  // In the first bucket are answers of both times; those that took longer than the limit came before it was moved.
  const segment = { from: 0, to: from };
  const others = facts.services.get(edge.callee)?.edges ?? [];
  for (const edges of [[edge], others.filter(({ caller }) => caller === edge.caller), others]) {
    const known = edges.flatMap(({ usual }) => (usual && !Number.isNaN(usual.p90Ms) ? [usual] : []));
    const [most] = known.sort((a, b) => b.total - a.total);
    if (most) return most.p90Ms;
    const before = merged(edges.map((one) => latenciesOf(facts, one, { segment, of: (outcome) => outcome === 'ok' })));
    if (before.count >= LEAST_BEFORE) return before.quantile(before.count >= ENOUGH_BEFORE ? 0.9 : 0.5);
  }
  return Number.NaN;
}

const closeTo = (good: LatencySketch, limitMs: number): number =>
  good.count * (shareAbove(good, CLOSE * limitMs) - shareAbove(good, 1.05 * limitMs));

function candidate(
  facts: Facts,
  symptoms: readonly Symptom[],
  { limitMs, p90Ms, usualP90Ms, symptom }: Pressed & { readonly symptom: Symptom },
): Candidate {
  const { callee } = symptom.service;
  const { failed, total } = countsOf(facts, [symptom], symptom.segment);
  const usual = Number.isNaN(usualP90Ms)
    ? ''
    : `, a tenth of the answers usually took longer than ${duration(usualP90Ms)}`;
  const now = Number.isNaN(p90Ms) ? '' : `, now than ${duration(p90Ms)}`;
  return {
    name: 'timeout_too_short',
    scope: { callees: [callee], ...narrowed([symptom]) },
    claims: allOf(symptoms),
    ...spanOf(symptoms),
    evidence: symptom.evidence,
    enough: symptom.enough,
    explained: 1,
    facts: [
      {
        kind: 'ratio',
        of: 'slowest tenth against the limit',
        now: Number.isNaN(p90Ms) ? limitMs : p90Ms,
        usual: limitMs,
        unit: 'ms',
      },
      shareFact({ of: serviceName(callee), failed, total }, [symptom]),
      outcomesFact(symptoms),
    ],
    sentence: `${serviceName(callee)} needs more time than the ${duration(limitMs)} that it is given: ${percent(failed, total)} of the requests time out${usual}${now}`,
  };
}

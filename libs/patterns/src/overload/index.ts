import { outcomesFact } from '../by-outcome.js';
import { allOf, type Candidate, type Evidence, type PatternKind, spanOf } from '../candidate.js';
import type { Facts } from '../facts/facts.js';
import { type Group, groupsOf, isSaturated } from '../groups.js';
import { demandOn, type Load, loadOf, times } from '../load.js';
import { countsOf } from '../narrow.js';
import { needed } from '../statistics/evidence.js';
import type { Symptom } from '../symptoms/symptom.js';
import { amount, duration, percent, serviceName } from '../words.js';
import { type Found, sources } from './sources.js';

/**
 * A service gets more requests than it can serve: load, latency and failures rise together, or it says itself that it sheds load. Both
 * rises prove it together: seldom does one of them come by chance with failures, hardly ever do both.
 */
export const overload: PatternKind = { name: 'overload', find };

/** Less of a rise is within what a day brings, whatever its evidence. */
const LEAST_RISE = 1.25;
/** Of the rise of load and of that of latency alone: a chance of one in fifty, and of one in five. Nats. */
const LEAST_LOAD = Math.log(50);
const LEAST_LATENCY = Math.log(5);
/** Of the failures, the share that says by itself that load was shed. */
const SAYS_SO = 0.2;

function find(evidence: Evidence): Candidate[] {
  const groups = groupsOf(evidence);
  const found = groups.flatMap((group) => overloaded(evidence.facts, group, needed(groups.length)) ?? []);
  return sources(evidence.facts, found).map(({ found: first, followers }) =>
    candidate(evidence.facts, first, followers),
  );
}

function overloaded(facts: Facts, group: Group, enough: number): Found | undefined {
  const span = spanOf(group.symptoms);
  const load = loadOf(facts, group.service, span);
  const rise = demandOn(facts, group.service, span);
  const evidence = load.requests.evidence + load.latency.evidence;
  const rose = rise >= LEAST_RISE && evidence >= enough && isBorneOut(group, load, enough);
  const byRetries = times(load.attemptsPerRequest) > rise;
  if (!saysSo(group.symptoms) && (!rose || byRetries)) return undefined;
  return { ...group, load, enough, evidence: rose ? evidence : enough };
}

/** Slower attempts bear out that there is too much to do, and so does the way in which requests fail. */
function isBorneOut(group: Group, { requests, latency }: Load, enough: number): boolean {
  if (requests.evidence >= enough) return latency.evidence >= LEAST_LATENCY || isSaturated(group);
  // Where all only run out of time, work that takes longer says as much, and the rise of load has to be proven by itself.
  return group.prevailing !== 'time' && latency.evidence >= LEAST_LATENCY && requests.evidence >= LEAST_LOAD;
}

function saysSo(symptoms: readonly Symptom[]): boolean {
  const all = symptoms.reduce((sum, { excess }) => sum + excess, 0);
  const shed = symptoms.reduce((sum, { excess, outcome }) => sum + (outcome === 'overloaded' ? excess : 0), 0);
  return shed > SAYS_SO * all;
}

function candidate(
  facts: Facts,
  { service, symptoms, load, enough, evidence }: Found,
  followers: readonly Found[],
): Candidate {
  const { callee } = service;
  const counts = countsOf(facts, symptoms, spanOf(symptoms));
  const { requests, latency } = load;
  return {
    name: 'overload',
    scope: { callees: [callee] },
    claims: allOf([...symptoms, ...followers.flatMap((one) => one.symptoms)]),
    ...spanOf(symptoms),
    evidence,
    enough,
    explained: 1,
    facts: [
      { kind: 'ratio', of: 'requests', now: requests.now, usual: requests.usual, unit: 'per_second' },
      { kind: 'ratio', of: 'latency of attempts', now: latency.now, usual: latency.usual, unit: 'ms' },
      outcomesFact(symptoms),
    ],
    sentence: `${serviceName(callee)} is overloaded: ${amount(requests.now)} requests a second (${amount(requests.usual)} before), ${duration(latency.now)} each (${duration(latency.usual)} before), ${percent(counts.failed, counts.total)} fail`,
  };
}

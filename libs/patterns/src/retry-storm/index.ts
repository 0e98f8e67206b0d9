import { outcomesFact } from '../by-outcome.js';
import { allOf, type Candidate, type Evidence, type PatternKind, spanOf } from '../candidate.js';
import { groupsOf, isSaturated } from '../groups.js';
import { BEARS_OUT, demandOn, type Load, loadOf, times } from '../load.js';
import { narrowed } from '../narrow.js';
import { needed } from '../statistics/evidence.js';
import type { Symptom } from '../symptoms/symptom.js';
import { amount, percent, serviceName } from '../words.js';

/**
 * Retries are so much of the load that they keep a service from recovering: attempts for each request rose, more than requests did,
 * and single attempts became slower, or fail in the several ways of a service that has too much to do. (Bronson et al., Metastable
 * Failures in Distributed Systems, HotOS 2021.)
 */
export const retryStorm: PatternKind = { name: 'retry_storm', find };

/** Fewer retries than this for ten requests do not carry a load that a service could not. */
const LEAST_RISE = 1.3;

function find(evidence: Evidence): Candidate[] {
  const groups = groupsOf(evidence);
  const enough = needed(groups.length);
  return groups.flatMap((group) => {
    const { service, symptoms } = group;
    const load = loadOf(evidence.facts, service, spanOf(symptoms));
    const { attemptsPerRequest, latency } = load;
    const rise = times(attemptsPerRequest);
    const proof = attemptsPerRequest.evidence;
    if (rise < LEAST_RISE || rise <= demandOn(evidence.facts, service, spanOf(symptoms)) || proof < enough) return [];
    // What is retried has more attempts, whatever fails it: that there is too much to do is what has to be borne out.
    const borneOut = isSaturated(group) ? proof : Math.min(proof, (enough * latency.evidence) / BEARS_OUT);
    if (borneOut < enough) return [];
    return [candidate(symptoms, { load, enough, evidence: borneOut, callers: narrowed(symptoms) })];
  });
}

interface Found {
  readonly load: Load;
  readonly enough: number;
  readonly evidence: number;
  readonly callers: ReturnType<typeof narrowed>;
}

function candidate(symptoms: readonly Symptom[], { load, enough, evidence, callers }: Found): Candidate {
  const callee = symptoms[0]?.service.callee ?? '';
  const { attemptsPerRequest: amplification, attempts, latency } = load;
  const retries = Math.max(0, 1 - 1 / Math.max(1, amplification.now));
  return {
    name: 'retry_storm',
    scope: { callees: [callee], ...callers },
    claims: allOf(symptoms),
    ...spanOf(symptoms),
    evidence,
    enough,
    explained: 1,
    facts: [
      {
        kind: 'ratio',
        of: 'attempts for each request',
        now: amplification.now,
        usual: amplification.usual,
        unit: 'attempts_per_request',
      },
      {
        kind: 'ratio',
        of: 'share of retries',
        now: retries,
        usual: 1 - 1 / Math.max(1, amplification.usual),
        unit: 'share',
      },
      { kind: 'ratio', of: 'attempts', now: attempts.now, usual: attempts.usual, unit: 'per_second' },
      { kind: 'ratio', of: 'latency of attempts', now: latency.now, usual: latency.usual, unit: 'ms' },
      outcomesFact(symptoms),
    ],
    sentence: `Retries are ${percent(retries, 1)} of the load of ${serviceName(callee)}: ${amount(amplification.now)} attempts for each request, ${amount(amplification.usual)} before`,
  };
}

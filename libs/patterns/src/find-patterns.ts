import { sortedUnique } from '#libs/kernel';
import type { Candidate } from './candidate.js';
import { explainAway, type Kept } from './explain-away.js';
import { type Facts, startOf } from './facts/facts.js';
import { factsOf } from './facts/index-cells.js';
import { mayFollow } from './may-follow.js';
import { patternKinds } from './registry.js';
import { confidence } from './statistics/evidence.js';
import { sumOf } from './statistics/segment.js';
import { type Happening, happenings } from './suspects/events.js';
import { suspectsOf } from './suspects/rank.js';
import { deriveSymptoms } from './symptoms/derive.js';
import { findSymptoms } from './symptoms/find.js';
import type { Symptom, Symptoms } from './symptoms/symptom.js';
import type { Observed, Pattern } from './types.js';
import { clock } from './words.js';

/** Where counts are lower bounds, nothing is quite as sure. */
const INCOMPLETE = 0.9;

/** Of what may follow from something else, it is not quite as sure that it does not. */
const MAY_FOLLOW = 0.9;

/** Groups the failures of a window and names the groups, those that failed most requests first. The same input gives the same patterns. */
export function findPatterns(observed: Observed): Pattern[] {
  const facts = factsOf(observed);
  const symptoms = deriveSymptoms(facts, findSymptoms(facts));
  const kept = explainAway(patternKinds.flatMap((kind) => kind.find({ facts, symptoms })));
  const timeline = kept.length > 0 ? happenings(facts) : [];
  const all = kept.map(({ candidate }) => candidate);
  const patterns = kept.map((one) => patternOf(one, { facts, symptoms, timeline, all }));
  return patterns
    .filter((one) => !isLeftOver(one, patterns))
    .sort((a, b) => b.failedRequests - a.failedRequests || b.confidence - a.confidence);
}

/** So many times as much fails by something else at that time, for what is left and not plain to be taken for a consequence in a way that is not seen. */
const FAR_MORE = 10;
const PLAIN = 0.75;

function isLeftOver({ name, confidence, failedAttempts, since, until }: Pattern, all: readonly Pattern[]): boolean {
  if (name !== 'failing_dependency' || confidence >= PLAIN) return false;
  return all.some((one) => one.failedAttempts >= FAR_MORE * failedAttempts && one.since <= until && one.until >= since);
}

interface Context {
  readonly facts: Facts;
  readonly symptoms: Symptoms;
  readonly timeline: readonly Happening[];
  readonly all: readonly Candidate[];
}

function patternOf({ candidate, share }: Kept, { facts, symptoms, timeline, all }: Context): Pattern {
  const { name, scope, from, to, ongoing, evidence, enough, explained, sentence } = candidate;
  const since = startOf(facts, from);
  const upstream = upstreamOf(candidate, symptoms);
  const failedAttempts = candidate.claims.reduce((sum, { failed }) => sum + failed, 0) * share;
  const followed = upstream.reduce((sum, symptom) => sum + symptom.excess, 0);
  return {
    name,
    scope,
    since,
    until: startOf(facts, to + 1),
    ongoing,
    failedRequests: Math.round(candidate.claims.reduce((sum, claim) => sum + requestsOf(claim), 0) * share),
    failedAttempts: Math.round(failedAttempts),
    shareOfScope: ratio(failedAttempts, failuresSince(facts, from, scope.callees)),
    shareOfAll: ratio(failedAttempts + followed, failuresSince(facts, from)),
    confidence:
      confidence(evidence, enough, explained) *
      (facts.complete ? 1 : INCOMPLETE) *
      (mayFollow(facts, candidate, all) ? MAY_FOLLOW : 1),
    facts: candidate.facts,
    sentence: `${sentence}; since ${clock(since)}${ongoing ? '' : ` until ${clock(startOf(facts, to + 1))}`}`,
    upstream: sortedUnique(
      upstream.map(({ service }) => service.callee).filter((callee) => !scope.callees.includes(callee)),
    ),
    suspects: suspectsOf(facts, candidate, timeline),
  };
}

/** Of the failures that a claim is about, those that callers saw. */
const requestsOf = ({ symptom, failed }: { readonly symptom: Symptom; readonly failed: number }): number =>
  symptom.segment.failed > 0 ? (failed * symptom.failedRequests) / symptom.segment.failed : 0;

function upstreamOf(candidate: Candidate, symptoms: Symptoms): Symptom[] {
  const ours = new Set(candidate.claims.map(({ symptom }) => symptom));
  return symptoms.derived.filter(({ causes }) => causes.some((cause) => ours.has(cause))).map(({ symptom }) => symptom);
}

const ratio = (part: number, whole: number): number => (whole > 0 ? Math.min(1, part / whole) : 0);

function failuresSince(facts: Facts, from: number, callees?: readonly string[]): number {
  const services = callees
    ? callees.flatMap((callee) => facts.services.get(callee) ?? [])
    : [...facts.services.values()];
  let failed = 0;
  for (const { edges } of services) {
    for (const edge of edges)
      for (const series of edge.failed.values()) failed += sumOf(series, from, facts.buckets - 1);
  }
  return failed;
}

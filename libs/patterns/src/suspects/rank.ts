import type { Candidate } from '../candidate.js';
import { type Facts, startOf } from '../facts/facts.js';
import type { Suspect } from '../types.js';
import { duration, serviceName } from '../words.js';
import { type Happening, workloadOf } from './events.js';
import { aptness } from './prior.js';

/** What happened longer ago than this is not suspected. */
const LONGEST_AGO_MS = 1_800_000;
/** The weight of an event falls to a third in this time. */
const FADES_MS = 60_000;
/** Suspicion that is left for what no timeline shows; in the same measure as the weights of events. */
const UNSEEN = 0.2;
const MOST = 5;
/** Below this an event is only noise to a reader. */
const LEAST_SCORE = 0.05;

interface Place {
  readonly weight: number;
  readonly words: string;
}

/** What of the timeline may have brought a pattern about, the likeliest first. */
export function suspectsOf(facts: Facts, candidate: Candidate, all: readonly Happening[]): Suspect[] {
  const since = startOf(facts, candidate.from);
  const weighed = all.flatMap((happening) => {
    // The bucket in which the failures began may have begun before the event.
    const ago = since + facts.bucketMs - happening.at;
    if (ago < 0 || ago > LONGEST_AGO_MS) return [];
    const place = placeOf(facts, candidate, happening);
    const weight =
      place.weight *
      aptness(candidate.name, happening.kind) *
      Math.exp(-Math.max(0, ago - 2 * facts.bucketMs) / FADES_MS);
    return weight > 0 ? [{ happening, weight, place, before: Math.max(0, since - happening.at) }] : [];
  });
  const sum = weighed.reduce((total, { weight }) => total + weight, UNSEEN);
  return weighed
    .map(({ happening, weight, place, before }) => suspect(happening, weight / sum, `${place.words}, ${ago(before)}`))
    .filter(({ score }) => score >= LEAST_SCORE)
    .sort((a, b) => b.score - a.score || b.at - a.at)
    .slice(0, MOST);
}

const ago = (ms: number): string =>
  ms < 1_000 ? 'as the failures began' : `${duration(ms)} before the failures began`;

const suspect = ({ touches: _, ...happening }: Happening, score: number, why: string): Suspect => ({
  ...happening,
  score,
  why,
});

/** How near an event is to the failures. */
function placeOf(facts: Facts, { scope }: Candidate, { touches }: Happening): Place {
  if (touches.length === 0) return { weight: 0.3, words: 'It touches the whole mesh' };
  const touched = new Set(touches);
  const [instance] = (scope.instances ?? []).filter((name) => touched.has(name));
  if (instance !== undefined) return { weight: 1, words: `It touches ${instance}` };
  const services = new Set(scope.callees.map(serviceName));
  const workloads = new Set(scope.callees.flatMap((callee) => facts.services.get(callee)?.known?.workloads ?? []));
  // One of many services says little of what they all have.
  const spread = Math.min(1, 2 / Math.max(1, scope.callees.length));
  const service = touches.find((name) => services.has(name) || workloads.has(name));
  if (service !== undefined) return { weight: scope.instances ? 0.4 : spread, words: `It touches ${service}` };
  const caller = scope.callers?.find((name) => touched.has(name));
  if (caller !== undefined) return { weight: 0.8, words: `It touches ${caller}, which calls` };
  const sibling = touches.find((name) => workloads.has(workloadOf(name)));
  if (sibling !== undefined) return { weight: scope.instances ? 0.1 : 0.5 * spread, words: `It touches ${sibling}` };
  return {
    weight: callersOf(facts, scope.callees).has(touches[0] ?? '') ? 0.15 : 0,
    words: `It touches ${touches[0]}, which calls`,
  };
}

function callersOf(facts: Facts, callees: readonly string[]): Set<string> {
  return new Set(callees.flatMap((callee) => facts.services.get(callee)?.edges.map(({ caller }) => caller) ?? []));
}

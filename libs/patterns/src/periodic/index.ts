import { outcomesFact } from '../by-outcome.js';
import {
  allOf,
  byCallee,
  type Candidate,
  type Evidence,
  outcomesOf,
  type PatternKind,
  usualOfAll,
} from '../candidate.js';
import { added, type Facts, type Series, startOf } from '../facts/facts.js';
import { bestSplit, reached, splitTests } from '../splits.js';
import { needed } from '../statistics/evidence.js';
import { sumOf } from '../statistics/segment.js';
import { failedOf } from '../symptoms/find.js';
import type { Symptom } from '../symptoms/symptom.js';
import { duration, instanceName, serviceName } from '../words.js';
import { type Beat, beatOf } from './beat.js';

/** Failures that come in bursts at equal distances, as something that runs by the clock makes them. */
export const periodic: PatternKind = { name: 'periodic', find };

function find({ facts, symptoms }: Evidence): Candidate[] {
  const tests = Math.max(1, facts.services.size);
  return [...byCallee(symptoms.roots).values()].flatMap((group) => {
    const failed = added(
      outcomesOf(group).map((outcome) => failedOf(facts, group[0]?.service.edges ?? [], outcome)),
      facts.buckets,
    );
    const usual = usualOfAll(group);
    const beat = inWindow(facts, group, { failed, usual, tests }) ?? inBaseline(facts, group, { failed, tests });
    return beat ? [candidate(facts, group, { ...beat, failed })] : [];
  });
}

/** What is shorter is seen in the window, and better. */
const SHORTEST_MINUTES = 3;

interface Timed {
  readonly beat: Beat;
  /** Starts of the bursts, and the period. Milliseconds. */
  readonly at: readonly number[];
  readonly periodMs: number;
  readonly stepMs: number;
}

function inWindow(
  facts: Facts,
  group: readonly Symptom[],
  { failed, usual, tests }: { readonly failed: Series; readonly usual: number; readonly tests: number },
): Timed | undefined {
  const edges = group[0]?.service.edges ?? [];
  const total = added(
    edges.map((edge) => edge.total),
    facts.buckets,
  );
  const beat = beatOf(
    failed,
    total.map((all) => all * usual),
    { tests },
  );
  if (beat === undefined) return undefined;
  const at = beat.starts.map((start) => startOf(facts, start));
  return { beat, at, periodMs: Math.round(beat.period * facts.bucketMs), stepMs: facts.bucketMs };
}

/** Periods of which the window does not hold enough are looked for in the minutes of the baseline, the window's own after them. */
function inBaseline(
  facts: Facts,
  group: readonly Symptom[],
  { failed, tests }: { readonly failed: Series; readonly tests: number },
): Timed | undefined {
  const { baseline } = facts.observed;
  const edges = group[0]?.service.edges ?? [];
  if (baseline.buckets === 0) return undefined;
  const before = added(
    edges.map((edge) => edge.usual?.failedByMinute),
    baseline.buckets,
  );
  const step = Math.round(baseline.bucketMs / facts.bucketMs);
  // A gap or an overlap between both would bend the beat.
  const skipped = Math.round(
    (baseline.from + baseline.buckets * baseline.bucketMs - startOf(facts, 0)) / facts.bucketMs,
  );
  if (skipped < 0 || step < 1) return undefined;
  const now: number[] = [];
  for (let i = skipped; i + step <= facts.buckets; i += step) now.push(sumOf(failed, i, i + step - 1));
  const series = [...before, ...now];
  const sorted = [...series].sort((a, b) => a - b);
  // Of two hours some minutes are bad by chance, and any four of them may be equally far apart: each burst has to be proven.
  // Bursts are few: what the middle of the minutes has is what is usual.
  const usual = Math.max(0.5, sorted[sorted.length >> 1] ?? 0);
  const beat = beatOf(
    series,
    series.map(() => usual),
    { tests, shortest: SHORTEST_MINUTES, burst: needed(series.length) },
  );
  if (beat === undefined) return undefined;
  const at = beat.starts.map((start) => baseline.from + start * baseline.bucketMs);
  return { beat, at, periodMs: Math.round(beat.period * baseline.bucketMs), stepMs: baseline.bucketMs };
}

function candidate(
  facts: Facts,
  group: readonly Symptom[],
  { beat, at, periodMs, stepMs, failed }: Timed & { readonly failed: Series },
): Candidate {
  const callee = group[0]?.service.callee ?? '';
  const [first = facts.at, last = facts.at] = [at[0], at.at(-1)];
  const from = Math.max(0, Math.floor((first - startOf(facts, 0)) / facts.bucketMs));
  const instance = instanceOf(facts, group);
  const who = instance === undefined ? serviceName(callee) : `${instanceName(instance)} of ${serviceName(callee)}`;
  return {
    name: 'periodic',
    scope: { callees: [callee], ...(instance === undefined ? {} : { instances: [instance] }) },
    claims: allOf(group),
    from,
    to: Math.min(facts.buckets - 1, Math.floor((last - startOf(facts, 0)) / facts.bucketMs)),
    ongoing: facts.at - last < periodMs + 2 * stepMs,
    evidence: beat.evidence,
    enough: beat.enough,
    explained: beat.explained,
    facts: [
      { kind: 'bursts', periodMs, at },
      { kind: 'series', from: startOf(facts, 0), bucketMs: facts.bucketMs, failed: [...failed] },
      outcomesFact(group),
    ],
    sentence: `${who} fails every ${duration(periodMs)}, ${at.length} times so far`,
  };
}

/** The host that accounts for all bursts, if there is one. */
function instanceOf(facts: Facts, group: readonly Symptom[]): string | undefined {
  const ours = reached(group);
  const service = ours[0]?.service;
  const best = service ? bestSplit(facts, service, ours) : undefined;
  return best?.by === 'instance' && best.evidence >= needed(splitTests(facts)) ? best.value : undefined;
}

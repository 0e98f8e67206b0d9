import { excessEvidence, needed, shareEvidence } from '../statistics/evidence.js';
import { sumOf } from '../statistics/segment.js';

/** Bursts at equal distances. */
export interface Beat {
  /** Buckets, with fractions. */
  readonly period: number;
  /** Bucket in which each burst begins. */
  readonly starts: readonly number[];
  /** Of the failures beyond the usual, the share in bursts. */
  readonly explained: number;
  readonly evidence: number;
  readonly enough: number;
}

export interface Searched {
  /** Series that are looked at beside this one. */
  readonly tests: number;
  /** The shortest period. Buckets. */
  readonly shortest?: number;
  /** Nats that a bucket must have to be part of a burst. */
  readonly burst?: number;
}

interface Burst {
  readonly from: number;
  readonly to: number;
  /** Where its failures lie on the average. */
  readonly centre: number;
}

/** Three whole periods have four bursts: two equal distances are chance, three are hardly. */
const LEAST_BURSTS = 4;
/** Of a bucket that is part of a burst; the symptom as a whole was proven already. */
const BURST = 4;
/** Buckets by which a distance may be off: a burst across two of them seems to lie between. */
const SLACK = 1.1;
const CLOSE = 0.6;
const LEAST_EXPLAINED = 0.8;
/** A burst that takes longer than this part of the period is no burst. */
const LONGEST = 0.7;
/** Of the beats, the share that must be there. */
const HEARD = 0.75;

/**
 * The beat of a series: its bursts must follow one another at equal distances, hardly one missing, with next to nothing between
 * them. The failures are then folded by the period (epoch folding, Leahy et al., Astrophysical Journal 266, 1983) and tested for
 * being in phase, corrected for every period and phase that there is.
 */
export function beatOf(
  failed: ArrayLike<number>,
  expected: ArrayLike<number>,
  { tests, shortest = 2, burst = BURST }: Searched,
): Beat | undefined {
  const bursts = burstsOf(failed, expected, burst);
  if (bursts.length < LEAST_BURSTS) return undefined;
  const period = equalDistance(bursts);
  if (period === undefined || period < shortest) return undefined;
  const span = {
    from: bursts[0]?.from ?? 0,
    to: Math.min(failed.length - 1, Math.ceil((bursts.at(-1)?.from ?? 0) + period) - 1),
  };
  const inside = bursts.reduce((sum, { from, to }) => sum + sumOf(failed, from, to), 0);
  const buckets = bursts.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const length = span.to - span.from + 1;
  const all = sumOf(failed, span.from, span.to);
  const quiet = Math.max(0, all - inside - sumOf(expected, span.from, span.to));
  const explained = inside / (inside + quiet);
  const evidence = shareEvidence(inside, all, buckets / length);
  const enough = needed(tests * failed.length * period);
  if (explained < LEAST_EXPLAINED || evidence < enough || buckets / bursts.length > LONGEST * period) return undefined;
  return { period, starts: bursts.map(({ from }) => from), explained, evidence, enough };
}

function burstsOf(failed: ArrayLike<number>, expected: ArrayLike<number>, least: number): Burst[] {
  const bursts: Burst[] = [];
  let from = -1;
  for (let i = 0; i <= failed.length; i += 1) {
    const bad = failed[i] ?? 0;
    const part = i < failed.length && bad >= 2 && excessEvidence(bad, expected[i] ?? 0) >= least;
    if (part && from < 0) from = i;
    if (part || from < 0) continue;
    bursts.push({ from, to: i - 1, centre: centreOf(failed, from, i - 1) });
    from = -1;
  }
  return bursts;
}

function centreOf(failed: ArrayLike<number>, from: number, to: number): number {
  let [sum, weight] = [0, 0];
  for (let i = from; i <= to; i += 1) {
    sum += i * (failed[i] ?? 0);
    weight += failed[i] ?? 0;
  }
  return weight > 0 ? sum / weight : from;
}

/** @returns undefined when the bursts are not equally far apart; one beat in four may be missing, where chance spared it */
function equalDistance(bursts: readonly Burst[]): number | undefined {
  const [first, last] = [bursts[0], bursts.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const gaps = bursts
    .slice(1)
    .map((burst, i) => burst.centre - (bursts[i]?.centre ?? 0))
    .sort((a, b) => a - b);
  const rough = gaps[(gaps.length - 1) >> 1] ?? 0;
  const beats = Math.round((last.centre - first.centre) / Math.max(1, rough));
  const period = (last.centre - first.centre) / Math.max(1, beats);
  if (bursts.length < HEARD * (beats + 1)) return undefined;
  const slack = Math.min(SLACK, Math.max(CLOSE, period / 5));
  const even = bursts.every(({ centre }) => {
    const turns = (centre - first.centre) / period;
    return Math.abs(turns - Math.round(turns)) * period <= slack;
  });
  return even ? period : undefined;
}

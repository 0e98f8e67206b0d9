import { excessEvidence } from './evidence.js';

/** A run of buckets, both ends included, in which more failed than usual. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly failed: number;
  readonly total: number;
  readonly expected: number;
  /** In nats, over all runs of the window: compare it with `needed` of tests times buckets. */
  readonly evidence: number;
}

/** How many times the usual rate is looked for. */
const TIMES = [1.5, 3, 10, 50, 300, 3000];

/**
 * The run that stands out most. For each supposed rise the best run is the largest sum of log-likelihood ratios (Page's CUSUM,
 * Biometrika 41, 1954, with its start kept: one pass over the buckets), and among these the one with the greatest evidence.
 * @param usual share that fails as a rule, above 0
 */
export function strongestSegment(
  failed: ArrayLike<number>,
  total: ArrayLike<number>,
  usual: number,
): Segment | undefined {
  let best: Segment | undefined;
  for (const times of TIMES) {
    if (times * usual > 1.5) break;
    const run = largestSum(failed, total, { usual, times });
    if (run === undefined) continue;
    const segment = count(failed, total, { ...run, usual });
    if (best === undefined || segment.evidence > best.evidence) best = segment;
  }
  return best;
}

function largestSum(
  failed: ArrayLike<number>,
  total: ArrayLike<number>,
  { usual, times }: { readonly usual: number; readonly times: number },
): { from: number; to: number } | undefined {
  const [gain, cost] = [Math.log(times), usual * (times - 1)];
  let [sum, start, best] = [0, 0, 0];
  let run: { from: number; to: number } | undefined;
  for (let i = 0; i < failed.length; i += 1) {
    if (sum <= 0) [sum, start] = [0, i];
    sum += (failed[i] ?? 0) * gain - (total[i] ?? 0) * cost;
    if (sum > best) [best, run] = [sum, { from: start, to: i }];
  }
  return run;
}

function count(
  failed: ArrayLike<number>,
  total: ArrayLike<number>,
  { from, to, usual }: { readonly from: number; readonly to: number; readonly usual: number },
): Segment {
  const [bad, all] = [sumOf(failed, from, to), sumOf(total, from, to)];
  const expected = all * usual;
  return { from, to, failed: bad, total: all, expected, evidence: excessEvidence(bad, expected) };
}

/** Of `values`, from one index to another, both included. */
export function sumOf(values: ArrayLike<number>, from: number, to: number): number {
  let sum = 0;
  for (let i = Math.max(0, from); i <= to && i < values.length; i += 1) sum += values[i] ?? 0;
  return sum;
}

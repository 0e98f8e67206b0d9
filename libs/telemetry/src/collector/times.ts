import { LatencySketch } from '../model/index.js';
import type { TimeBin } from './edge-report.js';

/** How long one took, and for how many it stands. */
export interface Timed {
  readonly ms: number;
  readonly weight: number;
}

/** Of what is above the last bound of all. */
const BEYOND = 1.5;
/** Envoy counts whole milliseconds, and rounds down. */
const ROUNDED_MS = 0.5;

/**
 * Latencies of so many requests. A histogram says how many took how long to a sixth or so; the sample, where within its bins.
 * @param bins of all of them; empty: the sample alone is what is known
 */
export function latenciesOf(total: number, bins: readonly TimeBin[], sample: readonly Timed[]): LatencySketch {
  const sketch = new LatencySketch();
  if (total <= 0) return sketch;
  const known = bins.length > 0 ? bins.flatMap((bin) => placed(bin, sample)) : sample;
  const sum = known.reduce((all, { weight }) => all + weight, 0);
  if (sum > 0) for (const { ms, weight } of known) sketch.add(ms, (weight * total) / sum);
  return sketch;
}

/** Puts what is in a bin where the sample has some in it, or else in its middle. */
function placed(bin: TimeBin, sample: readonly Timed[]): Timed[] {
  const inside = sample.filter(({ ms }) => isIn(bin, ms));
  if (inside.length === 0) return [{ ms: middleOf(bin), weight: bin.count }];
  return inside.map(({ ms }) => ({ ms, weight: bin.count / inside.length }));
}

const isIn = ({ from, upTo }: TimeBin, ms: number): boolean =>
  Math.floor(ms) <= upTo && (Math.floor(ms) > from || from === 0);

function middleOf({ from, upTo }: TimeBin): number {
  if (!Number.isFinite(upTo)) return from * BEYOND;
  return Math.sqrt(Math.max(from, upTo / 2) * upTo) + ROUNDED_MS;
}

/** Takes those out of the bins that are counted elsewhere. */
export function without(bins: readonly TimeBin[], times: readonly number[]): TimeBin[] {
  const left = bins.map((bin) => ({ ...bin }));
  for (const ms of times) {
    const bin = left.find((one) => one.count > 0 && isIn(one, ms));
    if (bin) bin.count--;
  }
  return left.filter(({ count }) => count > 0);
}

/** The bins of both. */
export function together(some: readonly TimeBin[], others: readonly TimeBin[]): TimeBin[] {
  const all = new Map<number, TimeBin>();
  for (const bin of [...some, ...others]) {
    all.set(bin.upTo, { ...bin, count: (all.get(bin.upTo)?.count ?? 0) + bin.count });
  }
  return [...all.values()].toSorted((a, b) => a.upTo - b.upTo);
}

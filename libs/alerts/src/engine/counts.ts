import type { FailureOutcome, Indicator } from '#libs/model';
import { isFailure, type LatencySketch, type Outcome } from '#libs/telemetry';
import type { SignalGroup, SignalQuestion, SignalReading } from '../ports.js';

/** Good and bad requests, as an indicator tells them apart. */
export interface GoodAndBad {
  readonly bad: number;
  readonly total: number;
}

/** Everything but what the caller did not wait for. */
export function requestsOf({ outcomes }: SignalGroup): number {
  let sum = 0;
  for (const [, count] of outcomes) sum += count;
  return sum;
}

/** Failures against all requests, without the classes that do not count. */
export function failuresOf(outcomes: ReadonlyMap<Outcome, number>, ignore: readonly FailureOutcome[]): GoodAndBad {
  let [bad, total] = [0, 0];
  for (const [outcome, count] of outcomes) {
    if (outcome === 'client_gone' || (isFailure(outcome) && ignore.includes(outcome))) continue;
    total += count;
    if (isFailure(outcome)) bad += count;
  }
  return { bad, total };
}

/** Halvings: shares to a ten-millionth. */
const STEPS = 24;

/** Share of the latencies up to a time, 0 to 1; within the sketch's accuracy of 2 %. NaN of none. */
export function shareWithin(latencies: LatencySketch, thresholdMs: number): number {
  if (latencies.count === 0) return Number.NaN;
  if (latencies.quantile(1) <= thresholdMs) return 1;
  if (latencies.quantile(0) > thresholdMs) return 0;
  // A quantile is the value at rank `share * (count - 1)`, and they rise: the last rank that is fast enough is looked for.
  let [low, high] = [0, 1];
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (latencies.quantile(middle) <= thresholdMs) low = middle;
    else high = middle;
  }
  return (low * (latencies.count - 1)) / latencies.count;
}

export function slowOf(latencies: LatencySketch, thresholdMs: number): GoodAndBad {
  const total = latencies.count;
  return { bad: total === 0 ? 0 : total * (1 - shareWithin(latencies, thresholdMs)), total };
}

export const countBy = (indicator: Indicator, group: SignalGroup | undefined): GoodAndBad => {
  if (!group) return { bad: 0, total: 0 };
  return indicator.type === 'Availability'
    ? failuresOf(group.outcomes, indicator.ignore)
    : slowOf(group.latencies, indicator.thresholdMs);
};

/** Share of the window of which nothing is known, 0 to 1. */
export const missingShare = ({ missingMs }: SignalReading, { from, to }: SignalQuestion): number =>
  Math.min(1, Math.max(0, missingMs / Math.max(1, to - from)));

/**
 * Judging with gaps. What is missing is taken neither for good nor for bad: an alert begins only if it would even if all
 * that is missing were good, and ends only if it would even if all of it were bad. In between nothing changes.
 */

/** `unknown`: the condition may hold or not. */
export type Verdict = 'holds' | 'over' | 'unknown';

/** Between these lies the true value. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

export const exactly = (value: number): Bounds => ({ low: value, high: value });

export function judge({ low, high }: Bounds, comparison: 'Above' | 'Below', threshold: number): Verdict {
  if (Number.isNaN(low) || Number.isNaN(high)) return 'unknown';
  if (comparison === 'Above') return low > threshold ? 'holds' : high <= threshold ? 'over' : 'unknown';
  return high < threshold ? 'holds' : low >= threshold ? 'over' : 'unknown';
}

/** Both hold; one that is over suffices for over. */
export function both(one: Verdict, other: Verdict): Verdict {
  if (one === 'over' || other === 'over') return 'over';
  return one === 'holds' && other === 'holds' ? 'holds' : 'unknown';
}

/** Any holds; over only when all are. None at all is over. */
export function any(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('holds')) return 'holds';
  return verdicts.includes('unknown') ? 'unknown' : 'over';
}

/**
 * Bounds of a share when part of the time is missing, in which as many requests may have been as in the rest.
 * @param missing share of the time, 0 to 1
 */
export function shareBounds(bad: number, total: number, missing: number): Bounds {
  if (!(total > 0)) return { low: Number.NaN, high: Number.NaN };
  const seen = (bad / total) * (1 - missing);
  return { low: seen, high: seen + missing };
}

/** A policy retries ten times at most. */
const MOST_ATTEMPTS = 11;

/** The same for attempts per request. */
export function attemptBounds(attempts: number, requests: number, missing: number): Bounds {
  if (!(requests > 0)) return { low: Number.NaN, high: Number.NaN };
  const seen = (attempts / requests) * (1 - missing);
  return { low: seen + missing, high: seen + MOST_ATTEMPTS * missing };
}

/** The same for a rate: of what is missing nobody knows how much it was. */
export const rateBounds = (count: number, windowMs: number, missing: number): Bounds => {
  const low = (count * 1000) / windowMs;
  return { low, high: missing > 0 ? Number.POSITIVE_INFINITY : low };
};

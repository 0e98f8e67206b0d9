/** How much of a credential's life is left; alarms come at 25 % and at 10 %. */
export type ExpiryState = 'ok' | 'expires-soon' | 'expires-very-soon' | 'expired';

export interface Lifetime {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

/** The part of a lifetime that is left, from 1 (just begun) to 0 (over). */
export function lifeLeft({ from, until }: Lifetime, now: number): number {
  if (until <= from) return 0;
  return Math.min(1, Math.max(0, (until - now) / (until - from)));
}

/** `expires-soon` from 25 % of the life left, `expires-very-soon` from 10 %, `expired` from its end on. */
export function expiryState(lifetime: Lifetime, now: number): ExpiryState {
  const left = lifeLeft(lifetime, now);
  if (left === 0) return 'expired';
  if (left <= 0.1) return 'expires-very-soon';
  return left <= 0.25 ? 'expires-soon' : 'ok';
}

import { Cell } from '../cell.js';
import type { Subscription } from '../subscription.js';
import type { Board } from './board.js';
import type { TypeDelivery } from './type-delivery.js';

/** A response that is ready to be written. */
export interface PlannedResponse {
  readonly cells: readonly Cell[];
  readonly news: readonly Cell[];
  readonly removed: readonly string[];
  /** A sign of life: it says nothing new. */
  readonly beat: boolean;
  /** It is all that this subscription includes. */
  readonly wholeOf?: Subscription;
}

/** How often a client hears of a resource within its time to live. */
const BEATS = 3;

/** Says whether it is time for a sign of life, which is then due. @param now milliseconds of the monotonic clock */
export function timeBeat(type: TypeDelivery, now: number): boolean {
  if (type.ttlMs === 0 || type.inFlight || now - type.beatAt < type.ttlMs / BEATS) return false;
  type.beatAt = now;
  type.beatDue = true;
  return true;
}

/**
 * A sign of life for everything held that has a time to live (TTL-2). In state-of-the-world it has contents, and for a
 * full-state type is the whole set: what is missing from it would be deleted (TTL-3).
 */
export function planBeat(board: Board, type: TypeDelivery): PlannedResponse | undefined {
  type.beatDue = false;
  const held = [...type.acked.values()].filter((one) => one instanceof Cell);
  const timed = held.filter(({ ttlMs }) => ttlMs > 0);
  // The last one is gone, or has no time any more.
  type.ttlMs = timed.reduce((least, { ttlMs }) => Math.min(least, ttlMs), timed[0]?.ttlMs ?? 0);
  if (timed.length === 0) return undefined;
  // GEN-10: who refused a sign of life is sent the contents in its place.
  if (type.beatsRefused) {
    for (const { name } of timed) type.owe(name);
    return undefined;
  }
  const whole = board.variant === 'sotw' && type.spec.fullState;
  return { cells: whole ? held : timed, news: [], removed: [], beat: true };
}

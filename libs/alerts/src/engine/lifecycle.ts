/** The life of an alert: pending, firing, resolved. A pure step. */
import type { Verdict } from './verdict.js';

export type AlertState = 'pending' | 'firing' | 'resolved';

/** Times are milliseconds; those `At` since the epoch, 0 = not yet. */
export interface Life {
  readonly state: AlertState;
  /** When the condition was first seen to hold. */
  readonly pendingAt: number;
  readonly firingAt: number;
  readonly resolvedAt: number;
  /** Of the last step. */
  readonly seenAt: number;
  /** How long it was seen to hold while pending. */
  readonly heldMs: number;
  /** How long it has been seen to be over while firing; below 0 = it holds. */
  readonly overMs: number;
  /** How long nothing is known of it. */
  readonly unknownMs: number;
}

export interface Patience {
  /** How long the condition has to hold; 0 = it fires at once. */
  readonly forMs: number;
  /** How long it has to be over; 0 = it ends at once. */
  readonly keepFiringMs: number;
}

/** Nobody looked for longer than this: what happened meanwhile counts for nothing. */
const GAP_MS = 60_000;
/** Of what nothing is known for so long, nothing is claimed any more. */
export const UNKNOWN_ENDS_MS = 86_400_000;

const HOLDS = -1;

/**
 * One step. Time counts only as far as it was watched, so neither a pause of the control plane nor missing data makes an
 * alert fire or end. @param life undefined or resolved = there is no alert
 */
export function step(life: Life | undefined, verdict: Verdict, now: number, patience: Patience): Life | undefined {
  if (!life || life.state === 'resolved') return verdict === 'holds' ? begin(now, patience) : life;
  const passed = Math.min(GAP_MS, Math.max(0, now - life.seenAt));
  const seen = { ...life, seenAt: now };
  if (verdict === 'unknown') return unknown({ ...seen, unknownMs: life.unknownMs + passed });
  // Half of what passed since an unknown step may be either: none of it counts.
  const watched = life.unknownMs > 0 ? 0 : passed;
  const known = { ...seen, unknownMs: 0 };
  return life.state === 'pending'
    ? pending(known, { verdict, watched, patience })
    : firing(known, { verdict, watched, patience });
}

function begin(now: number, { forMs }: Patience): Life {
  const fires = forMs === 0;
  return {
    state: fires ? 'firing' : 'pending',
    pendingAt: now,
    firingAt: fires ? now : 0,
    resolvedAt: 0,
    seenAt: now,
    heldMs: 0,
    overMs: HOLDS,
    unknownMs: 0,
  };
}

interface Known {
  readonly verdict: 'holds' | 'over';
  readonly watched: number;
  readonly patience: Patience;
}

function pending(life: Life, { verdict, watched, patience }: Known): Life | undefined {
  if (verdict === 'over') return undefined;
  const heldMs = life.heldMs + watched;
  if (heldMs < patience.forMs) return { ...life, heldMs };
  return { ...life, heldMs, state: 'firing', firingAt: life.seenAt };
}

function firing(life: Life, { verdict, watched, patience }: Known): Life {
  if (verdict === 'holds') return { ...life, overMs: HOLDS };
  // The first time that it is seen to be over is when that begins.
  const overMs = life.overMs === HOLDS ? 0 : life.overMs + watched;
  return overMs < patience.keepFiringMs ? { ...life, overMs } : ended({ ...life, overMs });
}

function unknown(life: Life): Life | undefined {
  if (life.unknownMs < UNKNOWN_ENDS_MS) return life;
  return life.state === 'pending' ? undefined : ended(life);
}

/** Whatever it was about is gone, or nobody asks any more. */
export const ended = (life: Life): Life => ({ ...life, state: 'resolved', resolvedAt: life.seenAt });

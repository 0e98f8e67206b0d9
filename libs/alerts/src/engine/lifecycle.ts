/** The life of an alert: pending, firing, resolved. A pure step. */
import type { AlertLife } from '#libs/store';
import type { Verdict } from './verdict.js';

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
export function step(
  life: AlertLife | undefined,
  verdict: Verdict,
  now: number,
  patience: Patience,
): AlertLife | undefined {
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

function begin(now: number, { forMs }: Patience): AlertLife {
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

function pending(life: AlertLife, { verdict, watched, patience }: Known): AlertLife | undefined {
  if (verdict === 'over') return undefined;
  const heldMs = life.heldMs + watched;
  if (heldMs < patience.forMs) return { ...life, heldMs };
  return { ...life, heldMs, state: 'firing', firingAt: life.seenAt };
}

function firing(life: AlertLife, { verdict, watched, patience }: Known): AlertLife {
  if (verdict === 'holds') return { ...life, overMs: HOLDS };
  // The first time that it is seen to be over is when that begins.
  const overMs = life.overMs === HOLDS ? 0 : life.overMs + watched;
  return overMs < patience.keepFiringMs ? { ...life, overMs } : ended({ ...life, overMs });
}

function unknown(life: AlertLife): AlertLife | undefined {
  if (life.unknownMs < UNKNOWN_ENDS_MS) return life;
  return life.state === 'pending' ? undefined : ended(life);
}

/** Whatever it was about is gone, or nobody asks any more. */
export const ended = (life: AlertLife): AlertLife => ({ ...life, state: 'resolved', resolvedAt: life.seenAt });

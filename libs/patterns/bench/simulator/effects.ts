import type { Outcome } from '#libs/telemetry';
import type { SimEdge, SimInstance, SimService } from './mesh.js';

/** One attempt, or one request that is not sent, as far as a fault may depend on it. */
export interface Attempt {
  readonly edge: SimEdge;
  readonly route: string;
  readonly callerZone: string;
  readonly instance: SimInstance | undefined;
}

/** What a fault does to the mesh while it is active. Every part is optional. */
export interface Effect {
  /** How much of a stretch of time it is active, times its strength. 0 to 1. Seconds since the start of the run. */
  readonly activity: (from: number, to: number) => number;
  /** Callees that it may concern; absent: any. */
  readonly callee?: SimService;
  /** Makes attempts fail so. */
  readonly fails?: { readonly outcome: Outcome; readonly hit: (attempt: Attempt) => boolean };
  /** Makes requests fail so before they are sent. */
  readonly refuses?: { readonly outcome: Outcome; readonly hit: (attempt: Attempt) => boolean };
  /** Multiplies the requests of an edge by up to this. */
  readonly load?: { readonly times: number; readonly hit: (edge: SimEdge) => boolean };
  /** Multiplies the own work of the callee by up to this. */
  readonly slow?: number;
  /** Multiplies what the callee can serve by this. */
  readonly capacity?: number;
  /** Of the work of an overloaded callee, what is not in vain. */
  readonly useful?: number;
  /** Time limit of edges, as a multiple of the usual median. */
  readonly patience?: { readonly value: number; readonly hit: (edge: SimEdge) => boolean };
  /** Retries of edges; of every failure. */
  readonly retries?: { readonly value: number; readonly hit: (edge: SimEdge) => boolean };
}

/** One that is active in a stretch of time, and how much. */
export interface Active {
  readonly effect: Effect;
  readonly activity: number;
}

/** Active from a time to another; with a ramp, it grows to its strength in so many seconds. */
export function during(from: number, to: number, { strength = 1, ramp = 0 } = {}): Effect['activity'] {
  return (start, end) => {
    const [begin, finish] = [Math.max(start, from), Math.min(end, to)];
    if (finish <= begin) return 0;
    const grown = ramp > 0 ? Math.min(1, ((begin + finish) / 2 - from) / ramp) : 1;
    return (strength * grown * (finish - begin)) / (end - start);
  };
}

/** Active for so many seconds in each period. */
export function beating(
  from: number,
  { every, seconds, strength }: { readonly every: number; readonly seconds: number; readonly strength: number },
): Effect['activity'] {
  return (start, end) => {
    let active = 0;
    for (let at = from; at < end; at += every) active += Math.max(0, Math.min(end, at + seconds) - Math.max(start, at));
    return (strength * active) / (end - start);
  };
}

import { type EdgeCell, type InstanceCell, LatencySketch, type Outcome, type ZoneCell } from '#libs/telemetry';
import type { SimEdge, SimInstance } from './mesh.js';
import { workloadOf } from './mesh.js';
import type { Random } from './random.js';

/** One in so many requests that succeeded is seen; failures all are. */
const SAMPLE = 16;
/** Latencies that are drawn for one cell: a sketch of more tells no more. */
const MOST_DRAWN = 4;

/** Counts of one edge and route by outcome. */
export interface EdgeTally {
  readonly edge: SimEdge;
  readonly route: string;
  readonly requests: Map<Outcome, number>;
  readonly attempts: Map<Outcome, number>;
  readonly medianMs: number;
  readonly sigma: number;
  readonly limitMs: number;
}

export interface PlaceTally {
  readonly attempts: Map<Outcome, number>;
  readonly medianMs: number;
  readonly sigma: number;
  limitMs: number;
}

export interface Stretch {
  readonly at: number;
  readonly lengthMs: number;
}

/** Makes cells out of counts as collectors do: failures exactly, successes from a sample. */
export class CellWriter {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  edge(tally: EdgeTally, { at, lengthMs }: Stretch): EdgeCell[] {
    const outcomes = new Set([...tally.requests.keys(), ...tally.attempts.keys()]);
    return [...outcomes].flatMap((outcome) => {
      const [requests, attempts] = [tally.requests.get(outcome) ?? 0, tally.attempts.get(outcome) ?? 0];
      const seen = outcome === 'ok' ? this.#sampled(requests) : requests;
      if (seen === 0 && (outcome === 'ok' || attempts === 0)) return [];
      return {
        at,
        lengthMs,
        complete: true,
        caller: workloadOf(tally.edge.caller),
        callee: tally.edge.callee.callee,
        subset: '',
        route: tally.route,
        outcome,
        status: outcome === 'ok' ? 200 : 503,
        requests: seen,
        attempts: outcome === 'ok' ? seen : attempts,
        latencies: this.#latencies(outcome, seen, tally),
      };
    });
  }

  instance(
    callee: string,
    { id, version, zone }: SimInstance,
    { tally, at, lengthMs }: Stretch & { readonly tally: PlaceTally },
  ): InstanceCell[] {
    return this.#placed(tally, (outcome, attempts) => ({
      at,
      lengthMs,
      complete: true,
      callee,
      instance: id,
      version,
      zone,
      outcome,
      attempts,
      latencies: this.#latencies(outcome, attempts, tally),
    }));
  }

  zone(
    callee: string,
    pair: { readonly callerZone: string; readonly calleeZone: string },
    { tally, at, lengthMs }: Stretch & { readonly tally: PlaceTally },
  ): ZoneCell[] {
    return this.#placed(tally, (outcome, attempts) => ({
      at,
      lengthMs,
      complete: true,
      ...pair,
      callee,
      outcome,
      attempts,
      latencies: NONE,
    }));
  }

  #placed<T>(tally: PlaceTally, make: (outcome: Outcome, attempts: number) => T): T[] {
    return [...tally.attempts].flatMap(([outcome, attempts]) => {
      const seen = outcome === 'ok' ? this.#sampled(attempts) : attempts;
      return seen > 0 ? [make(outcome, seen)] : [];
    });
  }

  #sampled(count: number): number {
    return SAMPLE * this.#random.binomial(count, 1 / SAMPLE);
  }

  #latencies(
    outcome: Outcome,
    count: number,
    { medianMs, sigma, limitMs }: Pick<PlaceTally, 'medianMs' | 'sigma' | 'limitMs'>,
  ): LatencySketch {
    if (count <= 0 || (outcome !== 'ok' && outcome !== 'timeout')) return NONE;
    const sketch = new LatencySketch();
    if (outcome === 'timeout') {
      sketch.add(limitMs * this.#random.between(1, 1.02), count);
      return sketch;
    }
    const drawn = Math.min(MOST_DRAWN, Math.ceil(count / SAMPLE));
    for (let i = 0; i < drawn; i += 1) {
      const ms = medianMs * Math.exp(sigma * this.#random.normal());
      // An answer that came in time came before the limit.
      sketch.add(ms < limitMs ? ms : limitMs * this.#random.between(0.7, 1), count / drawn);
    }
    return sketch;
  }
}

/** Of zones and of failures other than timeouts nobody asks how long they took; one object saves memory. */
const NONE = new LatencySketch();

/** Adds to one outcome. */
export function count(counts: Map<Outcome, number>, outcome: Outcome, n: number): void {
  if (n > 0) counts.set(outcome, (counts.get(outcome) ?? 0) + n);
}

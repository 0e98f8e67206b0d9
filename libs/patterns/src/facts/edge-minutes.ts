import { type EdgeCell, isFailure, type Outcome } from '#libs/telemetry';
import { at, type Counts, type EdgeCounts } from './baseline.js';
import { LATENCY_STRETCHES, LatencyStretches } from './latency-stretches.js';

/** Requests of each bucket, then the attempts of each. Whole numbers are exact up to 2^24 a bucket, beyond to a ten-millionth. */
type Rings = Float32Array;

/** Failures of one kind. */
interface Failed {
  readonly rings: Rings;
  newest: number;
}

/** Time has moved on. Buckets and stretches are numbers that go up by one. */
export interface Moved {
  /** Those that are new. */
  readonly buckets: readonly number[];
  /** Of latencies: likewise. */
  readonly stretches: readonly number[];
  /** The oldest bucket that is kept. */
  readonly oldest: number;
}

/** What an edge takes beside its numbers: objects, its places in maps and what is made of it. Bytes, measured, and some. */
const OBJECTS_BYTES = 2_500;
const TEXT_BYTES = 2;

/** What one edge had in the newest so many buckets, as numbers that are written over as time goes on. */
export class EdgeMinutes {
  readonly caller: string;
  readonly callee: string;
  readonly route: string;
  /** Newest bucket that anything is known of. */
  newest = 0;
  readonly #rings: Rings;
  readonly #failed = new Map<Outcome, Failed>();
  readonly #latencies = new LatencyStretches();

  constructor(
    { caller, callee, route }: Pick<EdgeCell, 'caller' | 'callee' | 'route'>,
    private readonly buckets: number,
  ) {
    this.caller = caller;
    this.callee = callee;
    this.route = route;
    this.#rings = new Float32Array(2 * buckets);
  }

  get bytes(): number {
    const names = TEXT_BYTES * (this.caller.length + this.callee.length + this.route.length);
    return OBJECTS_BYTES + names + this.#rings.byteLength * (1 + this.#failed.size) + this.#latencies.bytes;
  }

  /** @param bucket and the stretch that it is part of */
  add({ bucket, stretch }: { readonly bucket: number; readonly stretch: number }, cell: EdgeCell): void {
    this.newest = Math.max(this.newest, bucket);
    this.#count(this.#rings, bucket, cell);
    if (isFailure(cell.outcome)) {
      const made = (): Failed => ({ rings: new Float32Array(2 * this.buckets), newest: bucket });
      const failed = at(this.#failed, cell.outcome, made);
      failed.newest = Math.max(failed.newest, bucket);
      this.#count(failed.rings, bucket, cell);
    } else if (cell.outcome === 'ok') this.#latencies.add(stretch % LATENCY_STRETCHES, cell.latencies);
  }

  /** Forgets what lies where these will be written, and failures that are older than all that is kept. */
  moveOn({ buckets, stretches, oldest }: Moved): void {
    for (const bucket of buckets) {
      this.#forget(this.#rings, bucket);
      for (const { rings } of this.#failed.values()) this.#forget(rings, bucket);
    }
    for (const stretch of stretches) this.#latencies.clear(stretch % LATENCY_STRETCHES);
    for (const [outcome, { newest }] of this.#failed) if (newest < oldest) this.#failed.delete(outcome);
  }

  /** @param oldest the bucket that they begin with */
  counts(oldest: number): EdgeCounts {
    const { caller, callee, route } = this;
    const failed = [...this.#failed].map(([outcome, { rings }]) => [outcome, this.#inOrder(rings, oldest)] as const);
    return {
      ...{ caller, callee, route, ...this.#inOrder(this.#rings, oldest) },
      ...{ failed: new Map(failed), latencies: this.#latencies.sum() },
    };
  }

  #inOrder(rings: Rings, oldest: number): Counts {
    const ring = (from: number): Float32Array => {
      const start = from + (oldest % this.buckets);
      const ordered = new Float32Array(this.buckets);
      ordered.set(rings.subarray(start, from + this.buckets));
      ordered.set(rings.subarray(from, start), from + this.buckets - start);
      return ordered;
    };
    return { requests: ring(0), attempts: ring(this.buckets) };
  }

  #count(rings: Rings, bucket: number, { requests, attempts }: EdgeCell): void {
    const place = bucket % this.buckets;
    rings[place] = (rings[place] ?? 0) + requests;
    rings[this.buckets + place] = (rings[this.buckets + place] ?? 0) + attempts;
  }

  #forget(rings: Rings, bucket: number): void {
    const place = bucket % this.buckets;
    rings[place] = 0;
    rings[this.buckets + place] = 0;
  }
}

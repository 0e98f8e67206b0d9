import type { EdgeCell } from '#libs/telemetry';
import { at, type Baseline, type BaselineSpan, edgeBaseline } from './baseline.js';
import { EdgeMinutes } from './edge-minutes.js';
import { LATENCY_STRETCHES } from './latency-stretches.js';

export interface UsualMinutesOptions {
  /** How many are kept. */
  readonly buckets: number;
  /** Of a bucket. Default: a minute. Milliseconds. */
  readonly bucketMs?: number;
  /** Where a bucket begins, any one. Default: the epoch. Milliseconds. */
  readonly origin?: number;
}

/** New edges are taken until so much of the room is used: the rest is for what those that are there come to need. */
const FOR_NEW = 0.9;

type Edges = Map<string, Map<string, Map<string, EdgeMinutes>>>;

/**
 * What was usual, of the newest so many minutes, as numbers in rings: some 7 KB an edge in two hours, a twenty-fifth of its
 * cells. It takes as much in the first minute as later. Counts are exact; latencies are those of the last five to six sixths
 * of the time. An edge that there is no room for has nothing that is usual, as if it were new.
 */
export class UsualMinutes {
  /** Of all edges. */
  bytes = 0;
  /** What they may come to. Where it is less than before, the edges that are added to go. Default: no limit. */
  mostBytes = Number.POSITIVE_INFINITY;
  /** First bucket that is not kept yet. */
  #to = 0;
  /** By callee, caller and route. */
  readonly #edges: Edges = new Map();
  readonly #bucketMs: number;
  readonly #origin: number;

  constructor(private readonly options: UsualMinutesOptions) {
    const { bucketMs = 60_000, origin = 0 } = options;
    this.#bucketMs = bucketMs;
    this.#origin = origin;
  }

  /** The newest bucket is the one before; what is too old then is forgotten. @param to the start of a bucket. Milliseconds since the epoch */
  moveTo(to: number): void {
    const { buckets } = this.options;
    const before = this.#to;
    this.#to = Math.floor((to - this.#origin) / this.#bucketMs);
    const oldest = this.#to - buckets;
    const moved = {
      buckets: numbers(Math.max(before, oldest), this.#to),
      stretches: this.#stretches(before),
      oldest,
    };
    for (const edge of [...this.#each()]) {
      if (edge.newest < oldest) this.#remove(edge);
      else this.#measured(edge, () => edge.moveOn(moved));
    }
  }

  /** @param cell of a bucket that is kept: others are passed over @returns false when there is no room for its edge */
  add(cell: EdgeCell): boolean {
    const bucket = Math.floor((cell.at - this.#origin) / this.#bucketMs);
    if (bucket < this.#to - this.options.buckets || bucket >= this.#to) return true;
    const edge = this.#edge(cell);
    if (!edge) return false;
    this.#measured(edge, () => edge.add({ bucket, stretch: this.#stretchOf(bucket) }, cell));
    if (this.bytes <= this.mostBytes) return true;
    this.#remove(edge);
    return false;
  }

  baseline(): Baseline {
    const { buckets } = this.options;
    const oldest = this.#to - buckets;
    const span: BaselineSpan = { from: this.#origin + oldest * this.#bucketMs, bucketMs: this.#bucketMs, buckets };
    return { ...span, edges: [...this.#each()].map((edge) => edgeBaseline(edge.counts(oldest), span)) };
  }

  #stretchOf(bucket: number): number {
    return Math.floor(bucket / Math.ceil(this.options.buckets / LATENCY_STRETCHES));
  }

  /** Those that are new since. */
  #stretches(before: number): readonly number[] {
    const newest = this.#stretchOf(this.#to - 1);
    return numbers(Math.max(this.#stretchOf(before - 1), newest - LATENCY_STRETCHES) + 1, newest + 1);
  }

  *#each(): Iterable<EdgeMinutes> {
    for (const byCaller of this.#edges.values()) for (const byRoute of byCaller.values()) yield* byRoute.values();
  }

  #edge(cell: EdgeCell): EdgeMinutes | undefined {
    const known = this.#edges.get(cell.callee)?.get(cell.caller)?.get(cell.route);
    if (known || this.bytes > this.mostBytes * FOR_NEW) return known;
    const made = new EdgeMinutes(cell, this.options.buckets);
    this.bytes += made.bytes;
    const byCaller = at(this.#edges, cell.callee, () => new Map<string, Map<string, EdgeMinutes>>());
    at(byCaller, cell.caller, () => new Map<string, EdgeMinutes>()).set(cell.route, made);
    return made;
  }

  #remove({ callee, caller, route, bytes }: EdgeMinutes): void {
    const byCaller = this.#edges.get(callee);
    const byRoute = byCaller?.get(caller);
    byRoute?.delete(route);
    if (byRoute?.size === 0) byCaller?.delete(caller);
    if (byCaller?.size === 0) this.#edges.delete(callee);
    this.bytes -= bytes;
  }

  #measured(edge: EdgeMinutes, change: () => void): void {
    const before = edge.bytes;
    change();
    this.bytes += edge.bytes - before;
  }
}

/** All of a time at once, from cells of a minute: those of the last two hours before the window. */
export function baselineOf(cells: Iterable<EdgeCell>, { from, bucketMs, buckets }: BaselineSpan): Baseline {
  const usual = new UsualMinutes({ origin: from, bucketMs, buckets });
  usual.moveTo(from + buckets * bucketMs);
  for (const cell of cells) usual.add(cell);
  return usual.baseline();
}

const numbers = (from: number, to: number): readonly number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

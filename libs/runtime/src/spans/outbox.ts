import { type Clock, type Log, type Metrics } from '#libs/kernel';
import {
  type Held,
  type NewArtifact,
  type NewManifest,
  type SpanBatch,
  type Spans,
  StoreUnavailable,
} from '#libs/store';
import type { SetStore } from './sets.js';

/** When a proxy began to hold something, or ceased to be attached. */
export interface Start {
  readonly mesh: string;
  /** `<namespace>/<name>` */
  readonly instance: string;
  /** Of the monotonic clock. */
  readonly at: number;
  readonly held: Held | undefined;
}

export interface OutboxOptions {
  readonly spans: Pick<Spans, 'write'>;
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** What was handed in is not going to be stored: it has to be handed in again when it is needed. */
  readonly lost: () => void;
}

/** A transaction is kept small, since making its text holds the event loop. */
const BYTES_AT_ONCE = 512 * 1024;
const STARTS_AT_ONCE = 2_000;
const BYTES_OF_ENTRY = 96;
/** Starts that wait while Postgres is away; beyond it each proxy keeps its first and its last. */
const STARTS_KEPT = 10_000;

/** What waits to be written: contents first, then the sets of them, then who held which. */
export class Outbox implements SetStore {
  #artifacts: NewArtifact[] = [];
  #manifests: NewManifest[] = [];
  #starts: Start[] = [];
  #limit = STARTS_KEPT;

  constructor(private readonly options: OutboxOptions) {}

  get isEmpty(): boolean {
    return this.#artifacts.length + this.#manifests.length + this.#starts.length === 0;
  }

  artifact(artifact: NewArtifact): void {
    this.#artifacts.push(artifact);
  }

  manifest(manifest: NewManifest): void {
    this.#manifests.push(manifest);
  }

  start(start: Start): void {
    this.#starts.push(start);
    if (this.#starts.length > this.#limit) this.#compact();
  }

  /** One transaction. @returns false when Postgres did not take it: it is tried again by the next call */
  async write(): Promise<boolean> {
    const { spans, replica, clock, log, metrics } = this.options;
    const artifacts = this.#take(this.#artifacts, ({ bytes }) => bytes.length, BYTES_AT_ONCE);
    const left = artifacts.length < this.#artifacts.length ? 0 : BYTES_AT_ONCE;
    const manifests = this.#take(this.#manifests, ({ entries }) => entries.length * BYTES_OF_ENTRY, left);
    const isRest = artifacts.length === this.#artifacts.length && manifests.length === this.#manifests.length;
    const starts = isRest ? this.#starts.slice(0, STARTS_AT_ONCE) : [];
    const now = clock.monotonic();
    const batch: SpanBatch = {
      ...{ artifacts, manifests },
      starts: starts.map(({ at, ...start }) => ({ ...start, agoMs: Math.max(0, now - at) })),
    };
    try {
      await spans.write(replica, batch);
    } catch (error) {
      metrics.count('heddle_span_write_failures_total');
      if (error instanceof StoreUnavailable) return false;
      log.error('what proxies run could not be recorded', { reason: String(error) });
      this.#lose(starts.length);
      return false;
    }
    this.#artifacts.splice(0, artifacts.length);
    this.#manifests.splice(0, manifests.length);
    // More of the same proxy may have come meanwhile, and some of it may have been compacted.
    const written = new Set(starts);
    this.#starts = this.#starts.filter((start) => !written.has(start));
    if (this.#starts.length < STARTS_KEPT) this.#limit = STARTS_KEPT;
    return true;
  }

  /** As many as the limit holds, but at least one unless it is 0. */
  #take<T>(items: readonly T[], size: (item: T) => number, limit: number): readonly T[] {
    let [count, sum] = [0, 0];
    for (const item of items) {
      if (limit === 0 || (count > 0 && sum + size(item) > limit)) break;
      sum += size(item);
      count += 1;
    }
    return items.slice(0, count);
  }

  /** Of each proxy is kept that it ceased to hold what it held, and what it holds now: between that nothing is known. */
  #compact(): void {
    const first = new Map<string, Start>();
    const last = new Map<string, Start>();
    for (const start of this.#starts) {
      const key = `${start.mesh} ${start.instance}`;
      if (!first.has(key)) first.set(key, start);
      last.set(key, start);
    }
    const kept = [...first].flatMap(([key, start]) => {
      const newest = last.get(key);
      return newest === undefined || newest === start ? [start] : [{ ...start, held: undefined }, newest];
    });
    this.#dropped(this.#starts.length - kept.length);
    this.#starts = kept;
    this.#limit = Math.max(STARTS_KEPT, kept.length * 2);
  }

  #lose(starts: number): void {
    this.#dropped(starts);
    this.#artifacts = [];
    this.#manifests = [];
    this.#starts = [];
    this.options.lost();
  }

  #dropped(count: number): void {
    if (count > 0) this.options.metrics.count('heddle_spans_dropped_total', undefined, count);
  }
}

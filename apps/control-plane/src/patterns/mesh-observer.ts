import type { Metrics } from '#libs/kernel';
import { type Baseline, emptyBaseline, type Observed, type ObservedService, UsualMinutes } from '#libs/patterns';
import type { SignalSpan, Store } from '#libs/store';
import { CellWindow, EDGES, INSTANCES, readCells, ZONES } from './cell-window.js';

const MINUTE_MS = 60_000;
export const BUCKET_MS = 10_000;
/** What is looked at: ten minutes, and what was usual in the two hours before. */
const BUCKETS = 60;
export const LOOKED_AT_MS = BUCKETS * BUCKET_MS;
const USUAL_MINUTES = 120;
/** What may be kept of what was usual in one mesh, of the collector's 512 MB: some 8,500 edges. Bytes. */
const MOST_USUAL_BYTES = 64e6;
/** So much is read of it at once after a start: its cells take as much room as all that is kept. */
const READ_AT_ONCE_MS = 5 * MINUTE_MS;
/** Suspects are looked for so long before the window. */
const BEFORE_MS = 30 * MINUTE_MS;

export interface MeshObserverOptions {
  readonly store: Pick<Store, 'signals' | 'timeline'>;
  readonly mesh: string;
  readonly services: () => readonly ObservedService[];
  readonly metrics: Metrics;
}

/** Gathers all that one evaluation of a mesh looks at. */
export class MeshObserver {
  readonly #edges: CellWindow<ReturnType<typeof EDGES.cells>[number]>;
  readonly #instances: CellWindow<ReturnType<typeof INSTANCES.cells>[number]>;
  readonly #zones: CellWindow<ReturnType<typeof ZONES.cells>[number]>;
  readonly #usual = new UsualMinutes({ buckets: USUAL_MINUTES, mostBytes: MOST_USUAL_BYTES });
  #baseline: Baseline = emptyBaseline;
  #usualTo = 0;

  constructor(private readonly options: MeshObserverOptions) {
    const { signals } = options.store;
    const { mesh, metrics } = options;
    this.#edges = new CellWindow(signals, mesh, EDGES, metrics);
    this.#instances = new CellWindow(signals, mesh, INSTANCES, metrics);
    this.#zones = new CellWindow(signals, mesh, ZONES, metrics);
  }

  /** @param at the end of the newest bucket that has ended @throws StoreUnavailable */
  async observe(at: number): Promise<Observed> {
    const { store, mesh, services } = this.options;
    const span = { lengthMs: BUCKET_MS, from: at - LOOKED_AT_MS, to: at };
    return {
      ...{ at, bucketMs: BUCKET_MS, buckets: BUCKETS },
      edges: await this.#edges.moveTo(span),
      instances: await this.#instances.moveTo(span),
      zones: await this.#zones.moveTo(span),
      baseline: await this.#usually(span.from),
      events: await store.timeline.between(mesh, span.from - BEFORE_MS, at),
      services: services(),
    };
  }

  /** Of whole minutes, made once in each. They ended ten minutes ago, so that whatever came late is there: each is read once. */
  async #usually(before: number): Promise<Baseline> {
    const to = Math.floor(before / MINUTE_MS) * MINUTE_MS;
    if (to === this.#usualTo) return this.#baseline;
    for (let from = Math.max(this.#usualTo, to - USUAL_MINUTES * MINUTE_MS); from < to; from = this.#usualTo)
      await this.#learn({ lengthMs: MINUTE_MS, from, to: Math.min(from + READ_AT_ONCE_MS, to) });
    this.#baseline = this.#usual.baseline();
    return this.#baseline;
  }

  async #learn(span: SignalSpan): Promise<void> {
    const { store, mesh, metrics } = this.options;
    const cells = await readCells(EDGES, span, { signals: store.signals, mesh, metrics });
    this.#usual.moveTo(span.to);
    const left = cells.filter((cell) => !this.#usual.add(cell)).length;
    if (left > 0) metrics.count('heddle_telemetry_usual_left_out_total', {}, left);
    this.#usualTo = span.to;
  }
}

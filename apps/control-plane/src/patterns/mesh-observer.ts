import type { Metrics } from '#libs/kernel';
import { type Baseline, baselineOf, emptyBaseline, type Observed, type ObservedService } from '#libs/patterns';
import type { Store } from '#libs/store';
import { CellWindow, EDGES, INSTANCES, ZONES } from './cell-window.js';

const MINUTE_MS = 60_000;
export const BUCKET_MS = 10_000;
/** What is looked at: ten minutes, and what was usual in the two hours before. */
const BUCKETS = 60;
export const LOOKED_AT_MS = BUCKETS * BUCKET_MS;
const USUAL_MINUTES = 120;
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
  readonly #usual: CellWindow<ReturnType<typeof EDGES.cells>[number]>;
  #baseline: Baseline = emptyBaseline;
  #baselineTo = 0;

  constructor(private readonly options: MeshObserverOptions) {
    const { signals } = options.store;
    const { mesh, metrics } = options;
    this.#edges = new CellWindow(signals, mesh, EDGES, metrics);
    this.#instances = new CellWindow(signals, mesh, INSTANCES, metrics);
    this.#zones = new CellWindow(signals, mesh, ZONES, metrics);
    this.#usual = new CellWindow(signals, mesh, EDGES, metrics);
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

  /** Of whole minutes, made once in each. */
  async #usually(before: number): Promise<Baseline> {
    const to = Math.floor(before / MINUTE_MS) * MINUTE_MS;
    if (to === this.#baselineTo) return this.#baseline;
    const from = to - USUAL_MINUTES * MINUTE_MS;
    const cells = await this.#usual.moveTo({ lengthMs: MINUTE_MS, from, to });
    this.#baseline = baselineOf(cells, { from, bucketMs: MINUTE_MS, buckets: USUAL_MINUTES });
    this.#baselineTo = to;
    return this.#baseline;
  }
}

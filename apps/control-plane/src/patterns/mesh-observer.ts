import type { Metrics } from '#libs/kernel';
import { type Baseline, baselineOf, emptyBaseline, type Observed, type ObservedService } from '#libs/patterns';
import type { Store } from '#libs/store';
import { CellWindow, EDGES, INSTANCES, ZONES } from './cell-window.js';
import { FEWEST_MINUTES, minutesThatFit } from './usual-minutes.js';

const MINUTE_MS = 60_000;
export const BUCKET_MS = 10_000;
/** What is looked at: ten minutes, and what was usual before, in two hours of a mesh that is not very large. */
const BUCKETS = 60;
export const LOOKED_AT_MS = BUCKETS * BUCKET_MS;
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
  /** That the usual reaches back; 0 = not measured yet. */
  #minutes = 0;

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
    if (this.#minutes === 0) this.#minutes = await this.#measured(to);
    const from = to - this.#minutes * MINUTE_MS;
    const cells = await this.#usual.moveTo({ lengthMs: MINUTE_MS, from, to });
    this.#baseline = baselineOf(cells, { from, bucketMs: MINUTE_MS, buckets: this.#minutes });
    this.#baselineTo = to;
    // It grows by what comes, since nothing that is older is read again.
    this.#minutes = Math.min(minutesThatFit(cells.length, this.#minutes), this.#minutes + 1);
    return this.#baseline;
  }

  /** How far back is read at first: by a few minutes, for all of a very large mesh might not fit at all. */
  async #measured(to: number): Promise<number> {
    const { store, mesh, metrics } = this.options;
    const few = new CellWindow(store.signals, mesh, EDGES, metrics);
    const span = { lengthMs: MINUTE_MS, from: to - FEWEST_MINUTES * MINUTE_MS, to } as const;
    return minutesThatFit((await few.moveTo(span)).length, FEWEST_MINUTES);
  }
}

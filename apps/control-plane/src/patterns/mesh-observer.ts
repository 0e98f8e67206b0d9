import type { Metrics } from '#libs/kernel';
import { type Baseline, emptyBaseline, type Observed, type ObservedService, UsualMinutes } from '#libs/patterns';
import type { SignalSpan, Store } from '#libs/store';
import { BUCKET_MS } from '#libs/telemetry';
import { CellWindow, EDGES, readCells } from './cell-window.js';
import { SharedRoom } from './shared-room.js';

const MINUTE_MS = 60_000;
/** What is looked at: ten minutes, and what was usual in the two hours before. */
const BUCKETS = 60;
export const LOOKED_AT_MS = BUCKETS * BUCKET_MS;
const USUAL_MINUTES = 120;
/** What may be kept of what was usual, of the collector's 512 MB: some 8,500 edges. Bytes. */
const MOST_USUAL_BYTES = 64e6;
/** The same of the cells of the window: some 350,000, where one collector that uses all of its rows leaves 270,000. Bytes. */
const MOST_WINDOW_BYTES = 128e6;
/** So much is read of it at once after a start: its cells take as much room as all that is kept. */
const READ_AT_ONCE_MS = 5 * MINUTE_MS;
/** Suspects are looked for so long before the window. */
const BEFORE_MS = 30 * MINUTE_MS;

/** Memory that all meshes share. */
export interface ObserverRooms {
  readonly usual: SharedRoom;
  readonly window: SharedRoom;
}

export const observerRooms = (): ObserverRooms => ({
  usual: new SharedRoom(MOST_USUAL_BYTES),
  window: new SharedRoom(MOST_WINDOW_BYTES),
});

export interface MeshObserverOptions {
  readonly store: Pick<Store, 'signals' | 'timeline'>;
  readonly mesh: string;
  readonly rooms: ObserverRooms;
  readonly services: () => readonly ObservedService[];
  readonly metrics: Metrics;
}

/** Gathers all that one evaluation of a mesh looks at. */
export class MeshObserver {
  readonly #window: CellWindow;
  readonly #usual = new UsualMinutes({ buckets: USUAL_MINUTES });
  #baseline: Baseline = emptyBaseline;
  #usualTo = 0;

  constructor(private readonly options: MeshObserverOptions) {
    const { store, mesh, metrics } = options;
    this.#window = new CellWindow({ signals: store.signals, mesh, metrics });
  }

  /** @param at the end of the newest bucket that has ended @throws StoreUnavailable */
  async observe(at: number): Promise<Observed> {
    const { store, mesh, services, rooms } = this.options;
    const span = { lengthMs: BUCKET_MS, from: at - LOOKED_AT_MS, to: at };
    const cells = await this.#window.moveTo(span, rooms.window.of(mesh));
    rooms.window.uses(mesh, this.#window.bytes);
    return {
      ...{ at, bucketMs: BUCKET_MS },
      ...cells,
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
    const { store, mesh, metrics, rooms } = this.options;
    const cells = await readCells(EDGES, span, { signals: store.signals, mesh, metrics });
    this.#usual.mostBytes = rooms.usual.of(mesh);
    this.#usual.moveTo(span.to);
    const left = cells.filter((cell) => !this.#usual.add(cell)).length;
    if (left > 0) metrics.count('heddle_telemetry_usual_left_out_total', {}, left);
    rooms.usual.uses(mesh, this.#usual.bytes);
    this.#usualTo = span.to;
  }
}

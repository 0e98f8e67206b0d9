import type { Clock, Log, Metrics } from '#libs/kernel';
import { StoreUnavailable } from '#libs/store';
import type { Harvest, HarvestStore } from '../model/index.js';
import { bytesOfHarvest } from './bytes.js';

export interface HarvestQueueOptions {
  readonly store: HarvestStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** What may wait, of all meshes together, in memory; default 64 MB: some 100,000 rows. */
  readonly mostBytes?: number;
}

/** Of the 512 MB of the process; one harvest alone may have more. */
const MOST_BYTES = 64e6;
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
/** A harvest that the store cannot take for a reason of its own shall not keep the others waiting for ever. */
const MOST_TRIES = 5;

interface Waiting {
  readonly harvest: Harvest;
  readonly bytes: number;
  tries: number;
}

/** Writes harvests in their order. While the store is away they wait, and when there are too many the oldest are given up. */
export class HarvestQueue {
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #running: Promise<void> | undefined;
  #retryMs = RETRY_MS;
  #wake: (() => void) | undefined;

  constructor(private readonly options: HarvestQueueOptions) {}

  add(harvest: Harvest): void {
    const bytes = bytesOfHarvest(harvest);
    this.#waiting.push({ harvest, bytes, tries: 0 });
    this.#bytes += bytes;
    const { mostBytes = MOST_BYTES } = this.options;
    while (this.#bytes > mostBytes && this.#waiting.length > 1) this.#take('given up');
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits any more, or after so long. @returns harvests that still wait */
  async drain(withinMs: number): Promise<number> {
    const late = Promise.withResolvers<void>();
    const cancel = this.options.clock.after(withinMs, late.resolve);
    this.#wake?.();
    await Promise.race([this.#running, late.promise]);
    cancel();
    return this.#waiting.length;
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (await this.#write(next)) {
        if (this.#waiting[0] === next) this.#take('written');
      } else await this.#pause();
    }
    this.#running = undefined;
  }

  /** @returns true when it need not be written any more */
  async #write(waiting: Waiting): Promise<boolean> {
    const { store, log } = this.options;
    try {
      await store.write(waiting.harvest);
      this.#retryMs = RETRY_MS;
      return true;
    } catch (error) {
      waiting.tries++;
      const isAway = error instanceof StoreUnavailable;
      if (!isAway && waiting.tries >= MOST_TRIES && this.#waiting[0] === waiting) this.#take('refused');
      log.warn('a harvest could not be written', { reason: String(error), waiting: this.#waiting.length });
      return false;
    }
  }

  #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.options.clock.after(this.#retryMs, resolve);
    this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
    this.#wake = () => {
      cancel();
      resolve();
    };
    return promise;
  }

  #take(outcome: 'written' | 'refused' | 'given up'): void {
    const taken = this.#waiting.shift();
    if (taken) this.#bytes -= taken.bytes;
    this.options.metrics.count('heddle_telemetry_harvests_total', { outcome });
  }
}

import type { Clock, Log, Metrics } from '#libs/kernel';
import type { Database } from '../database.js';
import { type Feed, type FeedEvent, StoreUnavailable } from '../ports.js';
import { HintListener } from './listener.js';
import { type Position, readFeed } from './read.js';

/** The net under lost hints. */
export const POLL_MS = 2_000;
const FIRST_READ_RETRY_MS = 500;

export interface ChangeFeedOptions {
  readonly database: Database;
  readonly url: string;
  readonly role: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Hands committed changes to one listener, in the order of their revisions. One read runs at a time; a hint, a poll or
 * a poke while it runs makes another one follow. What a read found counts as handed over only when the listener returned.
 */
export class ChangeFeed implements Feed {
  #listener: ((event: FeedEvent) => void) | undefined;
  #position: Position | undefined;
  #connected = false;
  #reading = false;
  #wanted = false;
  #waiters: Waiter[] = [];
  #hints: HintListener | undefined;
  #stopPolling = (): void => {};
  #idle: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(private readonly options: ChangeFeedOptions) {}

  get connected(): boolean {
    return this.#connected;
  }

  /** Resolves when the first snapshot has been handed over; tries until Postgres answers. */
  async start(listener: (event: FeedEvent) => void): Promise<void> {
    if (this.#listener !== undefined) throw new Error('the feed has already been started');
    const { url, role, clock, log, metrics } = this.options;
    this.#listener = listener;
    this.#hints = new HintListener({ url, role, clock, log, metrics, onHint: () => this.#wake() });
    this.#stopPolling = clock.every(POLL_MS, () => this.#wake());
    while (this.#position === undefined && !this.#stopped) {
      try {
        await this.poke();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await new Promise<void>((resolve) => void clock.after(FIRST_READ_RETRY_MS, resolve));
      }
    }
  }

  poke(): Promise<void> {
    if (this.#listener === undefined || this.#stopped)
      return Promise.reject(new StoreUnavailable('the feed is not running'));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#wake();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopPolling();
    this.#hints?.stop();
    await this.#idle;
    this.#connected = false;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new StoreUnavailable('the feed was stopped'));
  }

  #wake(): void {
    this.#wanted = true;
    if (!this.#reading && !this.#stopped) this.#idle = this.#run();
  }

  async #run(): Promise<void> {
    this.#reading = true;
    while (this.#wanted && !this.#stopped) {
      this.#wanted = false;
      const waiters = this.#waiters.splice(0); // who comes from now on waits for the next read
      try {
        await this.#read();
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        this.#failed(error, waiters.length);
        for (const waiter of waiters) waiter.reject(error);
      }
    }
    this.#reading = false;
  }

  async #read(): Promise<void> {
    const { position, event } = await readFeed(this.options.database, this.#position);
    if (!this.#connected)
      this.options.log.info('following the changes in Postgres', {
        config: position.config,
        runtime: position.runtime,
      });
    this.#connected = true;
    this.options.metrics.gauge('heddle_feed_connected', 1);
    if (event === undefined || this.#stopped) return;
    try {
      this.#listener?.(event);
      this.#position = position;
    } catch (error) {
      this.#position = undefined; // the listener may have taken half of it: it gets everything anew
      throw error;
    }
  }

  #failed(error: unknown, waiters: number): void {
    const away = error instanceof StoreUnavailable;
    this.options.metrics.count('heddle_feed_failures_total', { reason: away ? 'unavailable' : 'error' });
    if (away) {
      if (this.#connected)
        this.options.log.warn('Postgres cannot be reached: what is served stays as it is', { error: error.message });
      this.#connected = false;
      this.options.metrics.gauge('heddle_feed_connected', 0);
    } else if (waiters === 0 || this.#connected) {
      this.options.log.error('changes could not be read or taken over', { error: String(error) });
    }
  }
}

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Log, Metrics } from '#libs/kernel';
import type { Database } from '../database.js';
import { type Feed, type FeedEvent, StoreUnavailable } from '../ports.js';
import type { ChangeTrace, ChangeTraces } from './change-traces.js';
import { HintListener } from './listener.js';
import type { FeedRead, Position } from './position.js';
import { readFeed } from './read.js';
import { DatabaseDistrusted } from './trust.js';

/** The net under lost hints. */
export const POLL_MS = 2_000;
const FIRST_READ_RETRY_MS = 500;
/** Of a question that a live server answers at once: a connection whose other end is gone without a word is left after this. */
const ANSWER_WITHIN_MS = 4_000;

export interface ChangeFeedOptions {
  readonly database: Database;
  readonly url: string;
  readonly role: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Take the first state for the truth, however little of it there is. */
  readonly accept?: boolean | undefined;
  /** Takes what hints say of traces. */
  readonly traces: ChangeTraces;
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
  /** What is read, and all that comes of it, is no part of the request or job that asked for it. */
  readonly #runApart = AsyncLocalStorage.bind(() => this.#run());
  #stopped = false;
  /** When Postgres was last read, by the monotonic clock. */
  #readAt: number;

  constructor(private readonly options: ChangeFeedOptions) {
    this.#readAt = options.clock.monotonic();
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Resolves when the first snapshot has been handed over; tries until Postgres answers. */
  async start(listener: (event: FeedEvent) => void): Promise<void> {
    if (this.#listener !== undefined) throw new Error('the feed has already been started');
    const { url, role, clock, log, metrics } = this.options;
    this.#listener = listener;
    this.#hints = new HintListener({ url, role, clock, log, metrics, onHint: (payload) => this.#hinted(payload) });
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

  traced(after: number, upTo: number): readonly ChangeTrace[] {
    return this.options.traces.between(after, upTo);
  }

  #hinted(payload: string | undefined): void {
    const { traces, clock } = this.options;
    traces.hear(payload, clock.now());
    this.#wake();
  }

  #wake(): void {
    this.#wanted = true;
    if (!this.#reading && !this.#stopped) this.#idle = this.#runApart();
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
    const { clock, log, metrics } = this.options;
    const { position, event } = await this.#answered();
    if (!this.#connected)
      log.info('following the changes in Postgres', {
        config: position.config,
        runtime: position.runtime,
        staleSeconds: Math.round((clock.monotonic() - this.#readAt) / 1000),
      });
    this.#connected = true;
    this.options.database.distrust = undefined;
    this.#readAt = clock.monotonic();
    metrics.gauge('heddle_feed_connected', 1);
    metrics.gauge('heddle_feed_distrusted', 0);
    metrics.gauge('heddle_feed_stale_seconds', 0);
    if (event === undefined || this.#stopped) return;
    try {
      this.#listener?.(event);
      this.#position = position;
    } catch (error) {
      this.#position = undefined; // the listener may have taken half of it: it gets everything anew
      throw error;
    }
  }

  /** The read; given up when not even the first question is answered in time. What comes of it later is nobody's. */
  #answered(): Promise<FeedRead> {
    const { clock, database } = this.options;
    const accept = this.#position === undefined && this.options.accept === true;
    let cancel = (): void => {};
    return new Promise((resolve, reject) => {
      const onAsk = (): void => {
        cancel = clock.after(ANSWER_WITHIN_MS, () => reject(new StoreUnavailable('Postgres does not answer')));
      };
      const options = { whole: database.distrust !== undefined, accept, onAsk, onAnswer: () => cancel() };
      void readFeed(database, this.#position, options)
        .then(resolve, reject)
        .finally(() => cancel());
    });
  }

  #failed(error: unknown, waiters: number): void {
    const { clock, database, log, metrics } = this.options;
    const away = error instanceof StoreUnavailable;
    const distrusted = error instanceof DatabaseDistrusted;
    const reason = away ? 'unavailable' : distrusted ? 'distrusted' : 'error';
    metrics.count('heddle_feed_failures_total', { reason });
    metrics.gauge('heddle_feed_stale_seconds', (clock.monotonic() - this.#readAt) / 1000);
    if (away) {
      if (this.#connected)
        log.warn('Postgres cannot be reached: what is served stays as it is', { error: error.message });
    } else if (distrusted) {
      if (database.distrust !== error.message)
        log.error('this is not the database that it was: what is served stays as it is', { error: error.message });
      database.distrust = error.message;
      metrics.gauge('heddle_feed_distrusted', 1);
    } else if (waiters === 0 || this.#connected) {
      log.error('changes could not be read or taken over', { error: String(error) });
    }
    if (!away && !distrusted) return;
    this.#connected = false;
    metrics.gauge('heddle_feed_connected', 0);
  }
}

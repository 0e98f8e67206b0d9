import { type Clock, type Log, type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import type { Authorities } from '#libs/store';

export interface DatabaseClockOptions {
  readonly authorities: Pick<Authorities, 'now'>;
  /** This machine's. */
  readonly clock: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

const MEASURE_EVERY_MS = 30_000;
/** An answer that took longer says too little about when it was made. */
const LONGEST_ROUND_TRIP_MS = 2_000;
/** Beyond this difference people are told (REL-27). */
const ALARM_MS = 5_000;

/**
 * The time by which credentials are judged: the database's, carried on by this machine's monotonic clock. A machine whose
 * clock jumps then neither takes valid credentials for expired (REL-27) nor expired ones for valid (REL-28), at once and
 * also while the database is away. Before the first measurement it is this machine's clock. Timers are the machine's.
 */
export class DatabaseClock implements Clock {
  readonly #options: DatabaseClockOptions;
  readonly #log: Log;
  readonly #metrics: Metrics;
  #reference: { readonly time: number; readonly monotonic: number } | undefined;
  #alarmed = false;
  #stopTimer: (() => void) | undefined;

  constructor(options: DatabaseClockOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  now(): number {
    const { clock } = this.#options;
    const reference = this.#reference;
    return reference ? Math.round(reference.time + clock.monotonic() - reference.monotonic) : clock.now();
  }

  monotonic(): number {
    return this.#options.clock.monotonic();
  }

  after(ms: number, task: () => void): () => void {
    return this.#options.clock.after(ms, task);
  }

  every(ms: number, task: () => void): () => void {
    return this.#options.clock.every(ms, task);
  }

  /** How far this machine's clock is ahead of the database's now, in milliseconds; undefined before the first measurement. */
  skewMs(): number | undefined {
    return this.#reference && this.#options.clock.now() - this.now();
  }

  /** Measures now, and every half a minute. @throws StoreUnavailable when the first measurement fails */
  async start(): Promise<void> {
    await this.measure();
    this.#stopTimer ??= this.#options.clock.every(MEASURE_EVERY_MS, () => {
      // Away: what was measured last goes on.
      this.measure().catch((error: unknown) => {
        this.#log.debug("the database's clock could not be read", { error: String(error) });
        this.#report();
      });
    });
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** Asks the database once; a slow answer is dropped unless there is none yet. */
  async measure(): Promise<void> {
    const { authorities, clock } = this.#options;
    const before = clock.monotonic();
    const time = await authorities.now();
    const after = clock.monotonic();
    if (this.#reference === undefined || after - before <= LONGEST_ROUND_TRIP_MS) {
      this.#reference = { time, monotonic: (before + after) / 2 };
    }
    this.#report();
  }

  #report(): void {
    const skew = this.skewMs() ?? 0;
    this.#metrics.gauge('heddle_clock_skew_seconds', skew / 1000);
    const isOff = Math.abs(skew) > ALARM_MS;
    if (isOff && !this.#alarmed) {
      this.#log.error("this machine's clock is not the database's: beyond a minute no certificate is issued", {
        secondsAhead: Math.round(skew / 1000),
      });
    }
    if (!isOff && this.#alarmed) this.#log.info("this machine's clock is the database's again");
    this.#alarmed = isOff;
  }
}

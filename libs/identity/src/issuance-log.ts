import { type Clock, type Log, type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import type { Authorities } from '#libs/store';
import { IssuingPaused } from './errors.js';

export type IssuedCertificate = Parameters<Authorities['recordIssued']>[0][number];

export interface IssuanceLogOptions {
  readonly authorities: Pick<Authorities, 'recordIssued'>;
  readonly clock: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
  /** Records kept while Postgres is away; beyond it nothing is issued (REL-2). Default 50,000, some 15 MB. */
  readonly capacity?: number;
}

const BATCH = 500;
const GATHER_MS = 200;
const LONGEST_WAIT_MS = 30_000;

/**
 * Records what was issued, in batches and off the path of those who wait for a certificate. A batch that fails is
 * tried again with a growing pause. Records are written in the order of issue; one may be written twice when the
 * answer to a commit was lost, so the store ignores a serial that it knows.
 */
export class IssuanceLog {
  readonly #options: IssuanceLogOptions;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #capacity: number;
  readonly #spool: IssuedCertificate[] = [];
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #waitMs = GATHER_MS;

  constructor(options: IssuanceLogOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? silentMetrics;
    this.#capacity = options.capacity ?? 50_000;
  }

  /** Records that are not in the database yet. */
  get pending(): number {
    return this.#spool.length;
  }

  /** @throws IssuingPaused when the spool is full: ask before issuing, so that no certificate goes unrecorded */
  ensureRoom(): void {
    if (this.#spool.length < this.#capacity) return;
    throw new IssuingPaused(
      'spool-full',
      `${this.#spool.length} issued certificates wait to be recorded: nothing more is issued until the database is back`,
    );
  }

  /** Notes one certificate; it is written soon. Never waits, never throws. */
  record(certificate: IssuedCertificate): void {
    this.#spool.push(certificate);
    this.#measure();
    this.#schedule();
  }

  /** Writes what is pending. Resolves when it is written. @throws StoreUnavailable when it could not be; it is kept */
  async flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    // One writer at a time keeps the order and makes one retry, not many.
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
      // What came in while the last batch was on its way, or could not be written.
      if (this.#spool.length > 0) this.#schedule();
    });
    await this.#writing;
  }

  /** Writes what is pending, once, and stops. What cannot be written is counted in the log and lost with the process. */
  async stop(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      this.#log.error('issued certificates could not be recorded before the end', {
        lost: this.pending,
        error: String(error),
      });
    }
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  async #drain(): Promise<void> {
    while (this.#spool.length > 0) {
      const batch = this.#spool.slice(0, BATCH);
      await this.#options.authorities.recordIssued(batch);
      this.#spool.splice(0, batch.length);
      this.#measure();
    }
    this.#waitMs = GATHER_MS;
  }

  #schedule(): void {
    if (this.#cancelTimer || this.#writing) return;
    this.#cancelTimer = this.#options.clock.after(this.#waitMs, () => {
      this.#cancelTimer = undefined;
      this.flush().catch((error: unknown) => this.#failed(error));
    });
  }

  /** The next try is scheduled already; the one after it waits longer. */
  #failed(error: unknown): void {
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
    this.#metrics.count('heddle_issuance_record_failures_total');
    this.#log.warn('issued certificates could not be recorded; trying again', {
      pending: this.pending,
      error: String(error),
    });
  }

  #measure(): void {
    this.#metrics.gauge('heddle_issuance_spool_size', this.#spool.length);
  }
}

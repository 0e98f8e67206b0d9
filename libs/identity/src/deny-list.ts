import { type Clock, type Log, type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import type { Tokens } from '#libs/store';
import { LONGEST_PROXY_TOKEN_MS, tokenFamily } from './proxy-token.js';

const REFRESH_MS = 5_000;
/** Outlives every token of the family, also one that a replica renewed because it had not heard of the denial yet. */
const DENIED_FOR_MS = 2 * LONGEST_PROXY_TOKEN_MS;

export interface DenyListOptions {
  readonly tokens: Pick<Tokens, 'deny' | 'denied'>;
  readonly clock: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

/**
 * The revoked proxy tokens, in memory: read again every 5 s, so that a revocation cuts streams within 10 s on every
 * replica (SEC-5). While Postgres is away the last good list counts, and its age is reported (REL-2, REL-55).
 */
export class DenyList {
  readonly #options: DenyListOptions;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #listeners = new Set<() => void>();
  #families: ReadonlySet<string> = new Set();
  #readAt: number | undefined;
  #reading: Promise<void> | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(options: DenyListOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  /** Reads the list and keeps reading it. @throws StoreUnavailable: a replica without the list must not serve (REL-3) */
  async start(): Promise<void> {
    await this.refresh();
    this.#stopTimer ??= this.#options.clock.every(REFRESH_MS, () => {
      this.#metrics.gauge('heddle_deny_list_age_seconds', (this.ageMs ?? 0) / 1000);
      this.refresh().catch((error: unknown) => {
        this.#metrics.count('heddle_identity_refresh_failures_total', { what: 'deny-list' });
        this.#log.warn('the list of revoked tokens could not be read again; the last good one is used', {
          ageMs: this.ageMs,
          error: String(error),
        });
      });
    });
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** Milliseconds since the list was last read; undefined before the first time. */
  get ageMs(): number | undefined {
    return this.#readAt === undefined ? undefined : this.#options.clock.monotonic() - this.#readAt;
  }

  /** True if the token, or one that it was renewed from or to, is revoked. */
  isDenied(jti: string): boolean {
    return this.#families.has(tokenFamily(jti));
  }

  /** Revokes a token with all its renewals: here at once, elsewhere within 10 s. @throws StoreUnavailable: not revoked */
  async deny(jti: string, reason: string, by?: Parameters<Tokens['deny']>[3]): Promise<void> {
    await this.#options.tokens.deny(jti, this.#options.clock.now() + DENIED_FOR_MS, reason, by);
    // A read that began before the write must not undo it.
    await this.#reading?.catch(() => undefined);
    this.#replace(new Set([...this.#families, tokenFamily(jti)]));
  }

  /**
   * Calls the listener whenever a family was added, by {@link deny} before it resolves or by what was read, to cut the
   * streams that use it. @returns removes the listener
   */
  onDenied(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Reads the list now; callers that come together share one read. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const denied = await this.#options.tokens.denied();
    this.#readAt = this.#options.clock.monotonic();
    this.#replace(new Set([...denied.keys()].map(tokenFamily)));
  }

  #replace(families: ReadonlySet<string>): void {
    const added = [...families].some((family) => !this.#families.has(family));
    this.#families = families;
    if (added) for (const listener of this.#listeners) listener();
  }
}

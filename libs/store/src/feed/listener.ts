import { randomUUID } from 'node:crypto';
import type { Clock, Log, Metrics } from '#libs/kernel';
import { StoreClient, sessionConfig } from '../session.js';
import { FEED_CHANNEL } from './channel.js';

export const HEARTBEAT_MS = 5_000;
export const HEARTBEAT_TIMEOUT_MS = 2_000;
const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 2_000;
/** Connections in a row that answered and on which nothing was ever heard, beyond which the way there is taken for one that carries no notifications. */
const DEAF_AFTER = 2;
/** Then it is tried again this often: the pooler may be gone one day. */
const DEAF_RETRY_MS = 60_000;

export interface HintListenerOptions {
  readonly url: string;
  readonly role: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Something was committed, or may have been while nobody listened. @param payload of the notification, if there was one */
  readonly onHint: (payload?: string) => void;
}

/**
 * The connection that LISTENs, apart from the pool. It never gives up: a lost connection is made again with jitter,
 * and a silent one (M8: a stopped backend gives neither error nor end) is found by a notification to ourselves that
 * does not come back in time, and cut (REL-7). Losing hints costs latency only: where none ever come, as through a
 * pooler in transaction mode, polling has to do, and it says so once (REL-51).
 */
export class HintListener {
  #client: StoreClient | undefined;
  #stopped = false;
  #failures = 0;
  /** Connections in a row that answered, and on which not even our own notification came back. */
  #deaf = 0;
  #heard = false;
  /** Whether the heartbeat's statement was answered: a Postgres that is slow or stands still is not a way that is deaf. */
  #answered = false;
  #cancelRetry = (): void => {};
  #cancelTimeout = (): void => {};
  readonly #stopBeating: () => void;
  /** A channel of this connection alone, so that heartbeats wake nobody else. */
  readonly #beatChannel = `heddle_beat_${randomUUID().replaceAll('-', '')}`;

  constructor(private readonly options: HintListenerOptions) {
    this.#stopBeating = options.clock.every(HEARTBEAT_MS, () => this.#beat());
    void this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopBeating();
    this.#cancelRetry();
    this.#cancelTimeout();
    this.#client?.abort();
    this.#client = undefined;
  }

  async #connect(): Promise<void> {
    const { url, role, log, metrics } = this.options;
    const client = new StoreClient({
      connectionString: url,
      ...sessionConfig({ applicationName: 'heddle-feed', role }),
    });
    this.#client = client;
    this.#heard = false;
    this.#answered = false;
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', (notification) => this.#notified(notification));
    try {
      await client.connect();
      await client.query(`LISTEN ${FEED_CHANNEL}; LISTEN ${this.#beatChannel}`);
      this.#failures = 0;
      metrics.count('heddle_feed_listens_total');
      // REL-6: only now does nothing escape us any more, so whatever came before has to be read.
      this.options.onHint();
      this.#beat();
    } catch (error) {
      log.debug('cannot listen for changes', { error: String(error) });
      this.#lost(client);
    }
  }

  #notified({ channel, payload }: { readonly channel: string; readonly payload?: string | undefined }): void {
    this.#heard = true;
    if (this.#deaf >= DEAF_AFTER) this.options.log.info('notifications of changes come through again');
    this.#deaf = 0;
    this.options.metrics.gauge('heddle_feed_polling', 0);
    if (channel === FEED_CHANNEL) this.options.onHint(payload);
    else this.#cancelTimeout();
  }

  /** A terminated backend emits `error` twice, then `end`: only the first counts. */
  #lost(client: StoreClient): void {
    if (this.#stopped || this.#client !== client) return;
    this.#client = undefined;
    this.#cancelTimeout();
    client.abort();
    this.#retryIn(Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** this.#failures));
    this.#failures += 1;
  }

  #retryIn(ceiling: number): void {
    this.#cancelRetry = this.options.clock.after(ceiling * (0.5 + Math.random() / 2), () => void this.#connect());
  }

  /** The heartbeat did not come back. */
  #silent(client: StoreClient): void {
    const { log, metrics } = this.options;
    metrics.count('heddle_feed_stalls_total');
    if (this.#heard) this.#deaf = 0;
    else if (this.#answered) this.#deaf += 1;
    if (!this.#answered || this.#deaf < DEAF_AFTER) {
      log.warn('the connection that listens for changes is silent: it is replaced');
      this.#lost(client);
      return;
    }
    if (this.#deaf === DEAF_AFTER)
      log.warn(
        'no notifications come through this way to Postgres (a pooler in transaction mode?): changes are found by polling every 2 s',
      );
    metrics.gauge('heddle_feed_polling', 1);
    if (this.#client !== client) return;
    this.#client = undefined;
    client.abort();
    this.#retryIn(DEAF_RETRY_MS);
  }

  #beat(): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#cancelTimeout();
    this.#cancelTimeout = this.options.clock.after(HEARTBEAT_TIMEOUT_MS, () => this.#silent(client));
    client.query('SELECT pg_notify($1, $2)', [this.#beatChannel, '']).then(
      () => (this.#answered ||= this.#client === client),
      () => this.#lost(client),
    );
  }
}

import type { Log, Metrics } from '#libs/kernel';
import { codeOf } from './errors.js';
import { StoreUnavailable } from './ports.js';
import type { StoreClient } from './session.js';

const UNDEFINED_TABLE = '42P01';

/**
 * Every new connection of the pool proves that it leads to the database that is served: a name that points elsewhere, a
 * failover to the wrong server or a fresh one in its place are as good as no database, and nothing is read from them or
 * written to them (REL-4).
 */
export class IdentityGuard {
  #expected: string | undefined;
  #reported = '';

  constructor(
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  /** @param clusterId of the database that is served from now on */
  expect(clusterId: string): void {
    this.#expected = clusterId;
  }

  /** For `verify` of the pool. */
  readonly verify = (client: StoreClient, done: (error?: Error) => void): void => {
    if (this.#expected === undefined) {
      done();
      return;
    }
    client
      .query<{ cluster_id: string }>('SELECT cluster_id FROM database_identity')
      .then(({ rows }) => rows[0]?.cluster_id ?? '')
      .catch((error: unknown) => {
        if (codeOf(error) === UNDEFINED_TABLE) return '';
        throw error;
      })
      .then((found) => this.#judge(found))
      .then(
        () => done(),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
  };

  #judge(found: string): void {
    if (found === this.#expected) {
      this.#reported = '';
      return;
    }
    this.metrics.count('heddle_store_foreign_total');
    const what = found === '' ? 'an empty database' : `another database (${found})`;
    const message = `it is ${what}, not the one that is served (${this.#expected})`;
    if (this.#reported !== message)
      this.log.error('the way to Postgres leads to another database: nothing is read from it or written to it', {
        error: message,
      });
    this.#reported = message;
    throw new StoreUnavailable(message);
  }
}

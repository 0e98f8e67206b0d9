import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { Log, Metrics } from '#libs/kernel';
import { asStoreError, classify } from './errors.js';
import { StoreUnavailable } from './ports.js';
import { StoreClient } from './session.js';

/** Runs statements; inside of a transaction, in it. */
export interface Sql {
  query<Row extends object>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
}

export interface TransactionOptions {
  /** Default `read committed`; `snapshot` is repeatable read, read only. */
  readonly isolation?: 'read committed' | 'snapshot';
  /** Further failures after which the whole transaction is tried again: a raced insert. */
  readonly alsoRetry?: (error: unknown) => boolean;
}

/** REL-38 */
const MAX_RETRIES = 3;

const BEGIN = {
  'read committed': 'BEGIN ISOLATION LEVEL READ COMMITTED',
  snapshot: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
} as const;

/** The pool, with transactions, retries, and errors told apart: an outage is always thrown as `StoreUnavailable`. */
export class Database implements Sql {
  /** Why nothing is written to it: the feed has found that it is not the database that it was. undefined = it is. */
  distrust: string | undefined;

  constructor(
    readonly dataSource: DataSource,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  async query<Row extends object>(text: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return this.#withConnection((sql) => sql.query<Row>(text, parameters));
  }

  /** Work through TypeORM's repositories, with this class's errors. */
  async entities<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await work(this.dataSource.manager);
    } catch (error) {
      throw this.#counted(error);
    }
  }

  /**
   * Runs `work` in one transaction; if it throws, everything is rolled back. Collisions (serialization, deadlock, and
   * what `alsoRetry` names) run the whole of it again, at most three times: `work` must have no effect but on its `sql`.
   */
  async transaction<T>(work: (sql: Sql) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    if (this.distrust !== undefined && options.isolation !== 'snapshot')
      throw this.#counted(new StoreUnavailable(`this is not the database that it was: ${this.distrust}`));
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#attempt(work, options.isolation ?? 'read committed');
      } catch (error) {
        const again = classify(error) === 'collision' || (options.alsoRetry?.(error) ?? false);
        if (!again || attempt >= MAX_RETRIES) throw this.#counted(error);
        this.metrics.count('heddle_store_retries_total');
        this.log.debug('transaction collided, trying again', { attempt: attempt + 1 });
        await sleep(Math.random() * 10 * 2 ** attempt);
      }
    }
  }

  async #attempt<T>(work: (sql: Sql) => Promise<T>, isolation: keyof typeof BEGIN): Promise<T> {
    return this.#withConnection(async (sql) => {
      await sql.query(BEGIN[isolation]);
      try {
        const value = await work(sql);
        await sql.query('COMMIT');
        return value;
      } catch (error) {
        if (classify(error) === 'other') await sql.query('ROLLBACK');
        else await sql.query('ROLLBACK').catch(() => {}); // the first error says more than a failing rollback
        throw error;
      }
    }, false);
  }

  async #withConnection<T>(work: (sql: Sql) => Promise<T>, map = true): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      return await work(sqlOf(runner));
    } catch (error) {
      if (isStalled(error)) await abort(runner);
      throw map ? this.#counted(error) : error;
    } finally {
      await runner.release();
    }
  }

  #counted(error: unknown): unknown {
    const mapped = asStoreError(error);
    if (mapped instanceof StoreUnavailable) this.metrics.count('heddle_store_unavailable_total');
    return mapped;
  }
}

function sqlOf(runner: QueryRunner): Sql {
  return {
    async query<Row extends object>(text: string, parameters: readonly unknown[] = []): Promise<Row[]> {
      const result = await runner.query(text, [...parameters], true);
      return result.records as Row[];
    },
  };
}

const isStalled = (error: unknown): boolean => error instanceof Error && /query read timeout/i.test(error.message);

// A connection whose query timed out on our side still owes an answer: it must not go back into the pool.
async function abort(runner: QueryRunner): Promise<void> {
  if (runner.isReleased) return;
  const client: unknown = await runner.connect();
  if (client instanceof StoreClient) client.abort();
}

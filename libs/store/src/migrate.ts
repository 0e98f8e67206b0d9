import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { Log } from '#libs/kernel';
import type { Sql } from './database.js';
import { asStoreError, codeOf } from './errors.js';
import { MIGRATIONS } from './migrations/index.js';
import { ensureRoles, grantAppRole, grantsMissing, MIGRATE_ROLE, mayActAs } from './roles.js';
import { StoreClient, sessionConfig } from './session.js';

/** The database was written by a newer build: this one does not know what it would break. */
export class SchemaTooNew extends Error {
  constructor(readonly unknown: readonly string[]) {
    super(
      `the database has migrations that this build of Heddle does not know (${unknown.join(', ')}): ` +
        'it was upgraded by a newer build; start that one, or restore a backup from before the upgrade',
    );
    this.name = 'SchemaTooNew';
  }
}

/** Key of the advisory lock under which migrations run: one at a time in a database (REL-47). */
const MIGRATION_LOCK = 4_818_203_110;
const LOCK_WAIT_MS = 120_000;
const UNDEFINED_TABLE = '42P01';

const known = MIGRATIONS.map((migration) => migration.name);

/** @returns names of the migrations that still have to run. @throws SchemaTooNew */
export async function pendingMigrations(sql: Sql): Promise<readonly string[]> {
  let done: string[];
  try {
    done = (await sql.query<{ name: string }>('SELECT name FROM migrations ORDER BY id')).map((row) => row.name);
  } catch (error) {
    if (codeOf(error) !== UNDEFINED_TABLE) throw error;
    done = [];
  }
  const unknown = done.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new SchemaTooNew(unknown);
  return known.filter((name) => !done.includes(name));
}

async function runMigrations(url: string, role: string | undefined): Promise<void> {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    entities: [],
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'all',
    installExtensions: false,
    logging: false,
    poolSize: 1,
    extra: {
      ...sessionConfig({ applicationName: 'heddle-migrate', role, statementTimeoutMs: 0 }),
      Client: StoreClient,
    },
  });
  await dataSource.initialize();
  try {
    await dataSource.runMigrations();
  } finally {
    await dataSource.destroy();
  }
}

/**
 * Brings the schema up to date: all pending migrations in one transaction, under an advisory lock, so that any number
 * of replicas may start at once and one that dies half way leaves nothing behind (REL-47).
 * @throws SchemaTooNew; StoreUnavailable when Postgres cannot be reached
 */
export async function migrateDatabase(url: string, log: Log): Promise<void> {
  const client = new StoreClient({
    connectionString: url,
    ...sessionConfig({ applicationName: `heddle-migrate-${randomUUID().slice(0, 8)}`, statementTimeoutMs: 0 }),
  });
  try {
    await client.connect();
    const sql: Sql = {
      query: async <Row extends object>(text: string, parameters: readonly unknown[] = []) =>
        (await client.query<Row>(text, [...parameters])).rows,
    };
    if ((await pendingMigrations(sql)).length === 0 && !(await grantsMissing(sql))) return;
    await sql.query(`SET lock_timeout = ${LOCK_WAIT_MS}`);
    await sql.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const pending = await pendingMigrations(sql);
    if (pending.length > 0) {
      const roles = await ensureRoles(sql, log);
      await runMigrations(url, roles && (await mayActAs(sql, MIGRATE_ROLE)) ? MIGRATE_ROLE : undefined);
    }
    await grantAppRole(sql);
    log.info('database schema is up to date', { migrations: pending });
  } catch (error) {
    throw asStoreError(error);
  } finally {
    await client.end().catch(() => {}); // also gives the advisory lock back
  }
}

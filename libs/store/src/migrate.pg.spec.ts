import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '#libs/kernel';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { inspectDatabase } from './inspect-database.js';
import { migrateDatabase, SchemaTooNew } from './migrate.js';
import { MIGRATIONS } from './migrations/index.js';
import { openStore } from './open-store.js';
import { StoreUnavailable } from './ports.js';

describe('migrations', () => {
  let database: TestDatabase;
  let raw: Client;

  beforeEach(async () => {
    database = await createTestDatabase({ empty: true });
    raw = new Client({ connectionString: database.url });
    raw.on('error', () => {});
    await raw.connect();
  });

  afterEach(async () => {
    await raw?.end();
    await database?.drop();
  });

  const count = async (table: string): Promise<number> => {
    const { rows } = await raw.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`);
    return Number(rows[0]?.n);
  };

  it('REL-47 three replicas that start at once migrate once, and make one default mesh', async () => {
    const stores = await Promise.all(['a', 'b', 'c'].map((replica) => openStore({ url: database.url, replica })));
    expect(await count('migrations')).toBe(MIGRATIONS.length);
    expect(await count('resource')).toBe(1);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('REL-47 one that dies half way leaves nothing behind, and the next one finishes', async () => {
    await raw.query('BEGIN');
    // Holds the name of a table that the migration makes near its end, so that it is stuck in the middle.
    await raw.query('CREATE TABLE issued_certificate (x int)');
    const stuck = migrateDatabase(database.url, silentLog);
    // oxlint-disable-next-line vitest/valid-expect -- awaited below, when it was made to fail
    const failed = expect(stuck).rejects.toThrow(StoreUnavailable);
    const watch = new Client({ connectionString: database.url });
    await watch.connect();
    const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'heddle-migrate' AND wait_event_type = 'Lock'`;
    let pids: { pid: number }[] = [];
    while (pids.length === 0) pids = (await watch.query<{ pid: number }>(waiting)).rows;
    for (const { pid } of pids) await watch.query('SELECT pg_terminate_backend($1)', [pid]);
    await watch.end();
    await failed;
    await raw.query('ROLLBACK');
    const { rows } = await raw.query(`SELECT to_regclass('resource') AS t`);
    expect(rows).toEqual([{ t: null }]);
    await migrateDatabase(database.url, silentLog);
    expect(await count('migrations')).toBe(MIGRATIONS.length);
  });

  it('refuses a schema that a newer build has made, and says so', async () => {
    await migrateDatabase(database.url, silentLog);
    await raw.query(`INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'Future9999999999999')`);
    const opening = openStore({ url: database.url, replica: 'a' });
    await expect(opening).rejects.toThrow(SchemaTooNew);
    await expect(openStore({ url: database.url, replica: 'a' })).rejects.toThrow('Future9999999999999');
  });

  it('opens with a login that may not change the schema, once the schema is there', async () => {
    await migrateDatabase(database.url, silentLog);
    const login = `login_${database.name}`;
    await raw.query(`CREATE ROLE ${login} LOGIN PASSWORD 'secret'; GRANT heddle_app TO ${login}`);
    const url = new URL(database.url);
    url.username = login;
    url.password = 'secret';
    const owner = await openStore({ url: database.url, replica: 'owner' });
    const store = await openStore({ url: url.href, replica: 'a' });
    expect(await store.resources.meshes()).toEqual(['default']);
    await store.close();
    await owner.close();
    await raw.query(`DROP ROLE ${login}`);
  });

  it('says that a Postgres is too old', async () => {
    expect(await inspectDatabase(database.url)).toBeUndefined();
    await expect(inspectDatabase(database.url, 99)).rejects.toThrow(
      /^it is Postgres \d+\.\d+.*Heddle needs 99 or later: upgrade it/,
    );
  });

  it('REL-4 shows a database before anything is written to it, and leaves it alone when it is not wanted', async () => {
    const admit = (): never => {
      throw new Error('not wanted');
    };
    await expect(openStore({ url: database.url, replica: 'a', admit })).rejects.toThrow('not wanted');
    expect(await inspectDatabase(database.url)).toBeUndefined();
    await (await openStore({ url: database.url, replica: 'a' })).close();
    expect(await inspectDatabase(database.url)).toMatchObject({ configRevision: 1, schemaVersion: MIGRATIONS.length });
  });

  it('REL-3 says that Postgres is away, instead of waiting for it', async () => {
    const url = new URL(database.url);
    url.port = '1';
    await expect(openStore({ url: url.href, replica: 'a' })).rejects.toThrow(StoreUnavailable);
  });
});

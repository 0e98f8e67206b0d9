import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Log, type LogFields, type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { Database } from '../database.js';
import { APP_ROLE } from '../roles.js';
import { sessionConfig } from '../session.js';
import { CuttingProxy } from '../testing/cutting-proxy.js';
import { prune } from './prune.js';

let database: TestDatabase;
/** As the owner of the tables: to make things old. */
let raw: Client;
const sources: DataSource[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  raw = new Client({ connectionString: database.url });
  await raw.connect();
});
afterEach(async () => {
  for (const source of sources.splice(0)) await source.destroy();
});
afterAll(async () => {
  await raw?.end();
  await database?.drop();
});

async function open(url = database.url): Promise<Database> {
  const extra = sessionConfig({ applicationName: 'retention', role: APP_ROLE });
  const source = await new DataSource({ type: 'postgres', url, installExtensions: false, extra }).initialize();
  sources.push(source);
  return new Database(source, silentLog, silentMetrics);
}

type Statements = Parameters<typeof prune>[0];

/** One round. @returns what was said, and what was counted as failed */
async function round(sql: Statements, signal = new AbortController().signal) {
  const said: (LogFields & { readonly message: string })[] = [];
  const failed: (string | undefined)[] = [];
  const log: Log = { ...silentLog, warn: (message, fields) => void said.push({ message, ...fields }) };
  const count: Metrics['count'] = (name, labels) => {
    if (name === 'heddle_prune_failures_total') failed.push(labels?.['what']);
  };
  await prune(sql, { log, metrics: { ...silentMetrics, count }, signal });
  return { said, failed };
}

const rows = async (table: string, where = 'true'): Promise<number> =>
  Number((await raw.query(`SELECT count(*) FROM ${table} WHERE ${where}`)).rows[0].count);
const oldKeys = (count: number, prefix = 'k'): Promise<unknown> =>
  raw.query(`INSERT INTO idempotency (actor, key, request_hash, at)
    SELECT 'tests', '${prefix}' || n, '', now() - interval '2 days' FROM generate_series(1, ${count}) n`);

describe('what has outlived its time', () => {
  it('goes in pieces, and what has not stays', async () => {
    await oldKeys(12_001);
    await raw.query(`INSERT INTO idempotency (actor, key, request_hash) VALUES ('tests', 'new', '')`);
    await raw.query(`INSERT INTO change_log (stream, revision, position, op, uid, mesh, kind, namespace, name, at)
      SELECT 'runtime', n, 0, 'put', '', 'default', '', '', '', now() - interval '2 days' + n * interval '1 ms'
      FROM generate_series(1, 10_001) n`);
    await raw.query(`INSERT INTO change_log (stream, revision, position, op, uid, mesh, kind, namespace, name)
      VALUES ('runtime', 10_002, 0, 'put', '', 'default', '', '', '')`);
    const sql = await open();
    const pieces: number[] = [];
    const watched: Statements = {
      transaction: (work) => sql.transaction(work),
      query: async (text, parameters) => {
        const answer = await sql.query<never>(text, parameters);
        if (/DELETE FROM (idempotency|change_log)/.test(text) && answer.length > 0) pieces.push(answer.length);
        return answer;
      },
    };
    expect(await round(watched)).toEqual({ said: [], failed: [] });
    expect(pieces).toEqual([5_000, 5_000, 1, 5_000, 5_000, 2_001]);
    expect([await rows('idempotency'), await rows('change_log', `stream = 'runtime'`)]).toEqual([1, 1]);
    expect(await rows('stream', `stream = 'runtime' AND log_floor = 10_001`)).toBe(1);
  });

  it('is left to whoever holds it, and goes the next time', async () => {
    await oldKeys(3, 'held');
    const sql = await open();
    await raw.query('BEGIN');
    await raw.query(`SELECT 1 FROM idempotency WHERE key = 'held2' FOR UPDATE`);
    expect(await round(sql)).toEqual({ said: [], failed: [] });
    await raw.query('COMMIT');
    expect(await rows('idempotency', `key LIKE 'held%'`)).toBe(1);
    await round(sql);
    expect(await rows('idempotency', `key LIKE 'held%'`)).toBe(0);
  });

  it('goes, whatever else cannot be removed', async () => {
    await oldKeys(1, 'one');
    await raw.query(`INSERT INTO access_failure VALUES (now() - interval '91 days', 'a', '', 1)`);
    const other = new Client({ connectionString: database.url });
    await other.connect();
    await other.query('BEGIN; LOCK TABLE instance_event IN ACCESS EXCLUSIVE MODE');
    await raw.query('ALTER TABLE manifest RENAME TO elsewhere');
    const { said, failed } = await round(await open());
    await raw.query('ALTER TABLE elsewhere RENAME TO manifest');
    await other.end();
    expect(failed).toEqual(['instance_event', 'manifest']);
    expect(said).toMatchObject([
      { what: 'instance_event', reason: expect.stringMatching('lock timeout') },
      { what: 'manifest', reason: expect.stringMatching('does not exist') },
    ]);
    expect([await rows('idempotency', `key = 'one1'`), await rows('access_failure')]).toEqual([0, 0]);
  });

  it('REL-2 is said to stay once while Postgres is away', async () => {
    const way = await CuttingProxy.start(database.url);
    const sql = await open(way.url);
    await way.stop();
    const { said, failed } = await round(sql);
    expect(said).toHaveLength(1);
    expect(said[0]?.message).toMatch('Postgres is away');
    expect(failed).toContain('idempotency');
    expect(new Set(failed).size).toBe(failed.length);
  });

  it('is left alone by whoever has to end', async () => {
    await oldKeys(5_001, 'end');
    const sql = await open();
    const ending = new AbortController();
    const until: Statements = {
      transaction: (work) => sql.transaction(work),
      query: async (text, parameters) => {
        if (text.includes('DELETE FROM idempotency')) ending.abort();
        return sql.query(text, parameters);
      },
    };
    expect(await round(until, ending.signal)).toEqual({ said: [], failed: [] });
    expect(await rows('idempotency', `key LIKE 'end%'`)).toBe(1);
  });

  it('keeps the row of a replica until what it left open was ended', async () => {
    await raw.query(`INSERT INTO replica (replica, session, started_at, seen_at)
      SELECT name, 's', 1, (extract(epoch FROM now()) * 1000)::bigint - 90_000_000 FROM unnest(ARRAY['open', 'idle']) AS name`);
    await raw.query(`INSERT INTO stream_span (mesh, instance, replica, manifest, own, pins, config_revision, since)
      VALUES ('default', 'shop/a', 'open', 'm', 'o', '[]', 1, now() - interval '2 days')`);
    await raw.query('ALTER TABLE stream_span ADD CONSTRAINT stuck CHECK (until IS NULL) NOT VALID');
    const { failed } = await round(await open());
    await raw.query('ALTER TABLE stream_span DROP CONSTRAINT stuck');
    expect(failed).toEqual(['lost spans']);
    expect([await rows('replica', `replica = 'open'`), await rows('replica', `replica = 'idle'`)]).toEqual([1, 0]);
    await round(await open());
    expect(await rows('replica', `replica = 'open'`)).toBe(0);
    expect(await rows('stream_span', 'until > since')).toBe(1);
  });

  it('are tokens that expired or were revoked 30 days ago, and those that are in force stay', async () => {
    const day = 86_400_000;
    for (const [id, endedDaysAgo, revoked] of [
      ['expired', 31, false],
      ['revoked', 31, true],
      ['lately', 29, true],
      ['live', -1, false],
    ] as const)
      await raw.query(`INSERT INTO api_token (id, name, role, secret_hash, expires_at, created_at, last_used_at, revoked)
        VALUES ('${id}', 'ci', 'admin', '', ${Date.now() - endedDaysAgo * day}, 0, 0, ${revoked})`);
    expect(await round(await open())).toEqual({ said: [], failed: [] });
    const left = await raw.query('SELECT id FROM api_token ORDER BY id');
    expect(left.rows.map(({ id }) => id)).toEqual(['lately', 'live']);
  });

  it('is what is open in a mesh that is gone', async () => {
    // Without the trigger that asks for an audit entry.
    await raw.query('SET session_replication_role = replica');
    await raw.query(`INSERT INTO resource (uid, mesh, kind, namespace, name, api_version, labels, annotations, spec, version,
      created_revision, updated_revision, created_at, updated_at) VALUES ('u', 'here', 'Mesh', '', 'here', '', '{}', '{}', '{}', 1, 1, 1, now(), now())`);
    await raw.query('SET session_replication_role = DEFAULT');
    await raw.query(`INSERT INTO failure_watch VALUES ('here', 1), ('gone', 1)`);
    await raw.query(
      `INSERT INTO failure_pattern VALUES ('here', 'open', 1, 0, '{}'), ('gone', 'open', 1, 0, '{}'), ('gone', 'over', 1, 2, '{}')`,
    );
    expect(await round(await open())).toEqual({ said: [], failed: [] });
    expect([await rows('failure_watch'), await rows('failure_watch', `mesh = 'here'`)]).toEqual([1, 1]);
    expect([await rows('failure_pattern'), await rows('failure_pattern', `mesh = 'gone'`)]).toEqual([2, 1]);
  });

  it('of sets with thousands of contents, those that others have stay', async () => {
    const contents = (from: number, to: number): string =>
      `ARRAY(SELECT 'CDS/h' || n FROM generate_series(${from}, ${to}) n)`;
    await raw.query(`INSERT INTO artifact (mesh, type, hash, name, bytes, revision, touched)
      SELECT 'default', 'CDS', 'h' || n, 'a', '', 1, now() - interval '40 days' FROM generate_series(1, 6_000) n`);
    for (const [hash, set, days] of [
      ['unused', contents(1, 3_000), 40],
      ['another', contents(2_900, 5_000), 40],
      ['fresh', contents(2_951, 3_050), 1],
    ] as const)
      await raw.query(`INSERT INTO manifest (mesh, hash, entries, artifacts, touched)
        VALUES ('default', '${hash}', '[]', ${set}, now() - interval '${days} days')`);
    expect(await round(await open())).toEqual({ said: [], failed: [] });
    expect(await rows('manifest')).toBe(1);
    // A hundred that are in use, and a thousand that no set ever had.
    expect(await rows('artifact')).toBe(1_100);
  });
});

import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '#libs/kernel';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { documentHash, envelopeHash, sha256 } from '../audit/chain.js';
import { storable } from '../audit/columns.js';
import { openStore } from '../open-store.js';
import { manifest, put, request } from '../testing/fixtures.js';
import { Initial1767225600000 } from './1767225600000-initial.js';

/** With what Postgres's own JSON refuses, and what only looks like it. */
const MESSAGE = 'a \u0000 in it, \\u0000, half a pair \ud800, and "quotes"';
const AUDITED = 'INSERT INTO audit_entry (seq, revision, at, decision, payload, payload_hash, prev, hash)';

/** What the first release wrote: history and audit each in one table. */
async function writeAsBefore(
  raw: Client,
  { from = 1, to, prev: first = '' }: { from?: number; to: number; prev?: string },
): Promise<void> {
  let prev = first;
  for (let n = from; n <= to; n += 1) {
    const [before, after] = [
      n === 1 ? undefined : manifest('Service', 'old', { n: n - 1 }),
      manifest('Service', 'old', { n }),
    ];
    const op = n === 1 ? 'created' : 'updated';
    const item = {
      op,
      kind: 'Service',
      namespace: 'default',
      name: 'old',
      version: n,
      before: documentHash(before),
      after: documentHash(after),
    };
    const actor = { name: 'somebody', role: 'admin', ip: '', requestId: 'r' };
    const payload = canonicalJson({
      action: 'write',
      decision: 'applied',
      actor,
      mesh: 'default',
      message: MESSAGE,
      items: [item],
    });
    const at = new Date(Date.UTC(2026, 0, n)).toISOString();
    const hash = envelopeHash({ at, payload: sha256(payload), prev, revision: n, seq: n });
    await raw.query('BEGIN');
    await raw.query(`INSERT INTO change VALUES ($1, 'default', $2, 'somebody', 'admin', '', 'r', $3)`, [
      n,
      at,
      storable(MESSAGE),
    ]);
    await raw.query(
      `INSERT INTO resource_history VALUES ($1, 0, 'u-1', $2, 'default', 'Service', 'default', 'old', $1, $3, $4)`,
      [n, op, before ?? null, after],
    );
    await raw.query(`${AUDITED} VALUES ($1, $1, $2, 'applied', $3, $4, $5, $6)`, [
      n,
      at,
      payload,
      sha256(payload),
      prev,
      hash,
    ]);
    if (n === 1) {
      await raw.query(
        `INSERT INTO resource VALUES ('u-1', 'default', 'Service', 'default', 'old', 'heddle.dev/v1alpha1', '{}', '{}', $1, 1, 1, 1, $2, $2)`,
        [after.spec, at],
      );
    } else {
      await raw.query('UPDATE resource SET spec = $2, version = $1, updated_revision = $1', [n, after.spec]);
    }
    await raw.query(
      `UPDATE stream SET revision = $1, audit_seq = $1, audit_prev = $2, audit_hash = $3 WHERE stream = 'config'`,
      [n, prev, hash],
    );
    await raw.query('COMMIT');
    prev = hash;
  }
}

describe('a database of the first release', () => {
  let database: TestDatabase;
  let raw: Client;

  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
    const dataSource = new DataSource({
      type: 'postgres',
      url: database.url,
      migrations: [Initial1767225600000],
      migrationsTableName: 'migrations',
    });
    await dataSource.initialize();
    await dataSource.runMigrations();
    await dataSource.destroy();
    raw = new Client({ connectionString: database.url });
    await raw.connect();
    await writeAsBefore(raw, { to: 30 });
    // As migrations make them: the tables belong to a role of their own.
    await raw.query(`DO $$ DECLARE t record; BEGIN
      FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP EXECUTE format('ALTER TABLE %I OWNER TO heddle_migrate', t.tablename); END LOOP;
      ALTER FUNCTION require_audit_entry() OWNER TO heddle_migrate;
      GRANT USAGE, CREATE ON SCHEMA public TO heddle_migrate;
    END $$`);
  });

  afterAll(async () => {
    await raw?.end();
    await database?.drop();
  });

  it('REL-14 a replica of that release goes on writing beside one of this, and what it writes is found', async () => {
    const store = await openStore({ url: database.url, replica: 'a' });
    const [{ audit_hash: prev } = { audit_hash: '' }] = (
      await raw.query<{ audit_hash: string }>(`SELECT audit_hash FROM stream WHERE stream = 'config'`)
    ).rows;
    await writeAsBefore(raw, { from: 31, to: 33, prev });
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 33 });
    const resource = { kind: 'Service', namespace: 'default', name: 'old' };
    const found = await store.audit.search({ mesh: 'default', limit: 3, actor: 'somebody', action: 'write', resource });
    expect(found.items.map(({ seq }) => seq)).toEqual([33, 32, 31]);
    await store.close();
  });

  it('REL-47 keeps its history and its chain, which goes on', async () => {
    const store = await openStore({ url: database.url, replica: 'a' });
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 33 });
    await store.resources.write(request([put('Service', 'new')]));
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 34 });
    const resource = { kind: 'Service', namespace: 'default', name: 'old' };
    const found = await store.audit.search({ mesh: 'default', limit: 5, actor: 'somebody', resource });
    expect(found.items.map(({ seq }) => seq)).toEqual([33, 32, 31, 30, 29]);
    expect(await store.history.at('default', resource, 12)).toMatchObject({ manifest: { spec: { n: 12 } } });
    expect((await store.history.list({ mesh: 'default', limit: 50 })).map(({ revision }) => revision)).toEqual(
      Array.from({ length: 34 }, (_, index) => 34 - index),
    );
    await store.close();
  });
});

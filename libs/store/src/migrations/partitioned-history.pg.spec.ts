import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '#libs/kernel';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { documentHash, envelopeHash, sha256 } from '../audit/chain.js';
import { openStore } from '../open-store.js';
import { manifest, put, request } from '../testing/fixtures.js';
import { Initial1767225600000 } from './1767225600000-initial.js';

/** What the first release wrote: history and audit each in one table. */
async function writeAsBefore(raw: Client, count: number): Promise<void> {
  let prev = '';
  for (let n = 1; n <= count; n += 1) {
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
      message: 'a \u0000 in it',
      items: [item],
    });
    const at = new Date(Date.UTC(2026, 0, n)).toISOString();
    const hash = envelopeHash({ at, payload: sha256(payload), prev, revision: n, seq: n });
    await raw.query('BEGIN');
    await raw.query(`INSERT INTO change VALUES ($1, 'default', $2, 'somebody', 'admin', '', 'r', 'a \uFFFD in it')`, [
      n,
      at,
    ]);
    await raw.query(
      `INSERT INTO resource_history VALUES ($1, 0, 'u-1', $2, 'default', 'Service', 'default', 'old', $1, $3, $4)`,
      [n, op, before ?? null, after],
    );
    await raw.query("INSERT INTO audit_entry VALUES ($1, $1, $2, 'applied', $3, $4, $5, $6)", [
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
    await writeAsBefore(raw, 30);
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

  it('REL-47 keeps its history and its chain, which goes on', async () => {
    const store = await openStore({ url: database.url, replica: 'a' });
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 30 });
    await store.resources.write(request([put('Service', 'new')]));
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 31 });
    const resource = { kind: 'Service', namespace: 'default', name: 'old' };
    const found = await store.audit.search({ mesh: 'default', limit: 5, actor: 'somebody', resource });
    expect(found.items.map(({ seq }) => seq)).toEqual([30, 29, 28, 27, 26]);
    expect(await store.history.at('default', resource, 12)).toMatchObject({ manifest: { spec: { n: 12 } } });
    expect((await store.history.list({ mesh: 'default', limit: 50 })).map(({ revision }) => revision)).toEqual(
      Array.from({ length: 31 }, (_, index) => 31 - index),
    );
    await store.close();
  });
});

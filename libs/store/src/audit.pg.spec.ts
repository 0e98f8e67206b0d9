import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { openStore } from './open-store.js';
import type { Store } from './ports.js';
import { put, request } from './testing/fixtures.js';

describe('the audit', () => {
  let database: TestDatabase;
  let store: Store;
  let raw: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    store = await openStore({ url: database.url, replica: 'a' });
    raw = new Client({ connectionString: database.url });
    await raw.connect();
    for (let n = 0; n < 6; n += 1) await store.resources.write(request([put('Service', `s-${n}`)]));
  });

  afterAll(async () => {
    await raw?.end();
    await store?.close();
    await database?.drop();
  });

  /** What the verification says after a superuser has run the statement. */
  const tampered = async (statement: string): Promise<unknown> => {
    await raw.query(statement);
    const verdict = await store.audit.verify();
    return verdict;
  };
  const keep = `CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM audit_entry`;
  const restore = async (): Promise<void> => {
    await raw.query('TRUNCATE audit_entry; INSERT INTO audit_entry SELECT * FROM kept');
    expect(await store.audit.verify()).toMatchObject({ ok: true });
  };

  it('SEC-61 a change of a resource without an audit entry fails at the commit', async () => {
    await raw.query('SET ROLE heddle_app');
    for (const statement of [
      `UPDATE resource SET spec = '{"evil": true}' WHERE name = 's-1'`,
      `UPDATE resource SET spec = '{}', updated_revision = updated_revision + 100 WHERE name = 's-1'`,
      `DELETE FROM resource WHERE name = 's-1'`,
    ]) {
      await raw.query('BEGIN');
      await raw.query(statement);
      await expect(raw.query('COMMIT')).rejects.toThrow('without an audit entry');
    }
    await raw.query('RESET ROLE');
    expect(await store.resources.get('default', 'Service', 'default', 's-1')).toMatchObject({ spec: {} });
  });

  it('SEC-62 the application may add to the audit and to history, and change nothing in them', async () => {
    await raw.query('SET ROLE heddle_app');
    for (const table of ['audit_entry', 'change', 'resource_history']) {
      for (const statement of [
        `UPDATE ${table} SET revision = 0`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table} CASCADE`,
      ]) {
        await expect(raw.query(statement)).rejects.toThrow('permission denied');
      }
    }
    await raw.query('RESET ROLE');
  });

  it('SEC-65 the application cannot change the schema', async () => {
    await raw.query('SET ROLE heddle_app');
    for (const statement of [
      'CREATE TABLE x (y int)',
      'DROP TABLE resource',
      'ALTER TABLE resource DISABLE TRIGGER ALL',
    ]) {
      await expect(raw.query(statement)).rejects.toThrow(/permission denied|must be owner/);
    }
    await raw.query('RESET ROLE');
    const { rows } = await raw.query(
      `SELECT rolsuper, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles WHERE rolname IN ('heddle_app', 'heddle_migrate')`,
    );
    for (const row of rows) expect(Object.values(row)).toEqual([false, false, false, false]);
  });

  it.each([
    ['an edited payload', `UPDATE audit_entry SET payload = replace(payload, 'tests', 'nobody') WHERE seq = 3`, 3],
    ['an edited revision', `UPDATE audit_entry SET revision = revision + 1 WHERE seq = 4`, 4],
    ['an edited time', `UPDATE audit_entry SET at = at + interval '1 minute' WHERE seq = 2`, 2],
    ['a removed entry', `DELETE FROM audit_entry WHERE seq = 4`, 4],
    [
      'two exchanged entries',
      `UPDATE audit_entry SET seq = CASE seq WHEN 2 THEN -3 ELSE -2 END WHERE seq IN (2, 3); UPDATE audit_entry SET seq = -seq WHERE seq < 0`,
      2,
    ],
    ['a tail that was cut off', `DELETE FROM audit_entry WHERE seq > 5`, 6],
  ])('SEC-62 names the entry of %s by a superuser', async (_what, statement, seq) => {
    await raw.query(keep);
    expect(await tampered(statement)).toMatchObject({ ok: false, seq });
    await restore();
  });

  it('SEC-62 names the entry whose documents in history were changed', async () => {
    const { rows } = await raw.query<{ revision: number; after: unknown }>(
      `SELECT revision, after FROM resource_history WHERE name = 's-2'`,
    );
    const entry = await raw.query<{ seq: string }>('SELECT seq FROM audit_entry WHERE revision = $1', [
      rows[0]?.revision,
    ]);
    const verdict = await tampered(`UPDATE resource_history SET after = '{"spec": "evil"}' WHERE name = 's-2'`);
    expect(verdict).toMatchObject({
      ok: false,
      seq: Number(entry.rows[0]?.seq),
      reason: expect.stringContaining('s-2'),
    });
    await raw.query(`UPDATE resource_history SET after = $1 WHERE name = 's-2'`, [JSON.stringify(rows[0]?.after)]);
    expect(await store.audit.verify()).toMatchObject({ ok: true });
  });
});

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
    for (const [table, column] of [
      ['audit_entry', 'revision'],
      ['change', 'revision'],
      ['resource_history', 'revision'],
      ['audit_statement', 'seq'],
    ]) {
      for (const statement of [
        `UPDATE ${table} SET ${column} = 0`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table} CASCADE`,
      ]) {
        await expect(raw.query(statement), statement).rejects.toThrow('permission denied');
      }
    }
    await raw.query('RESET ROLE');
  });

  it('SEC-62 the application does not reach around the rights of a table through its partitions', async () => {
    const { rows } = await raw.query<{ partition: string }>(
      `SELECT inhrelid::regclass::text AS partition FROM pg_inherits
       WHERE inhparent IN ('audit_entry'::regclass, 'change'::regclass, 'resource_history'::regclass)`,
    );
    expect(rows.length).toBeGreaterThanOrEqual(9);
    await raw.query('SET ROLE heddle_app');
    for (const { partition } of rows) {
      for (const statement of [
        `UPDATE ${partition} SET revision = 0`,
        `DELETE FROM ${partition}`,
        `DROP TABLE ${partition}`,
      ]) {
        await expect(raw.query(statement), statement).rejects.toThrow(/permission denied|must be owner/);
      }
    }
    await expect(raw.query(`INSERT INTO history_range VALUES (-9, -8)`)).rejects.toThrow('permission denied');
    await expect(raw.query(`UPDATE history_settings SET width = 1`)).rejects.toThrow('permission denied');
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
      `SELECT rolsuper, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles
       WHERE rolname IN ('heddle_app', 'heddle_migrate', 'heddle_read')`,
    );
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(Object.values(row)).toEqual([false, false, false, false]);
  });

  it('SEC-65 the roles that log in for work have time limits of their own', async () => {
    const { rows } = await raw.query<{ rolconfig: string[] }>(
      `SELECT rolconfig FROM pg_roles WHERE rolname IN ('heddle_app', 'heddle_read')`,
    );
    for (const { rolconfig } of rows) {
      for (const setting of ['lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout'])
        expect(rolconfig.some((text) => text.startsWith(`${setting}=`) && !text.endsWith('=0'))).toBe(true);
    }
    expect(rows).toHaveLength(2);
  });

  it('SEC-65 a reader reads history and audit, writes nothing, and sees no keys and no tokens', async () => {
    await raw.query('SET ROLE heddle_read');
    expect((await raw.query('SELECT seq FROM audit_entry')).rowCount).toBeGreaterThan(5);
    for (const statement of [
      'SELECT * FROM authority',
      'SELECT * FROM api_token',
      'DELETE FROM resource',
      `INSERT INTO audit_statement (kind, seq, document) VALUES ('checkpoint', 1, '')`,
    ]) {
      await expect(raw.query(statement), statement).rejects.toThrow('permission denied');
    }
    await raw.query('RESET ROLE');
  });

  it('SEC-63 every entry says who, in which role, from where, by which request, and what was decided', async () => {
    await store.resources.write(request([put('Service', 's-1', {}, { ifVersion: 99 })]));
    const { items } = await store.audit.search({ mesh: 'default', limit: 500 });
    expect(new Set(items.map(({ payload }) => payload.decision))).toEqual(new Set(['applied', 'refused']));
    for (const { payload, revision } of items) {
      expect(payload).toMatchObject({
        actor: {
          name: expect.stringMatching(/./),
          role: expect.stringMatching(/./),
          ip: expect.any(String),
          requestId: expect.any(String),
        },
        mesh: 'default',
        action: 'write',
      });
      expect(revision).toBeGreaterThan(0);
      // Documents are in it by their hash: what is in them cannot leave by the audit.
      for (const { before = '', after = '' } of payload.items)
        expect(`${before}${after}`).toMatch(/^([0-9a-f]{64}){0,2}$/);
    }
  });

  it('SEC-61 an entry that no change stands for is found', async () => {
    await raw.query('SET ROLE heddle_app');
    const forged = `INSERT INTO audit_entry (seq, revision, at, decision, payload, payload_hash, prev, hash, action, mesh, actor, subjects)
      SELECT audit_seq + 1, revision, now(), 'applied', '{}', '', audit_hash, '', 'write', 'default', 'x', '{}' FROM stream WHERE stream = 'config'`;
    await raw.query('BEGIN');
    await raw.query(forged);
    await raw.query('RESET ROLE');
    await raw.query('COMMIT');
    const { rows } = await raw.query<{ seq: string }>('SELECT max(seq) AS seq FROM audit_entry');
    expect(await store.audit.verify()).toMatchObject({
      ok: false,
      seq: Number(rows[0]?.seq),
      reason: expect.stringContaining('added beside the chain'),
    });
    await raw.query('DELETE FROM audit_entry WHERE seq = $1', [rows[0]?.seq]);
    expect(await store.audit.verify()).toMatchObject({ ok: true });
  });

  it.each([
    [
      'a resource edited behind the back of the audit',
      `UPDATE resource SET spec = '{"evil": true}' WHERE name = 's-2'`,
      /s-2 in force is not what was audited/,
    ],
    [
      'a resource nobody made',
      `INSERT INTO resource SELECT 'u-9', mesh, kind, namespace, 'ghost', api_version, labels, annotations, spec, 1, 1, 1, now(), now() FROM resource WHERE name = 's-3'`,
      /ghost is in force/,
    ],
    ['a resource removed', `DELETE FROM resource WHERE name = 's-4'`, /s-4 is gone/],
    ['who made a change', `UPDATE change SET actor = 'somebody else' WHERE revision = 3`, /c-3 was changed/],
    ['a change that is gone', `DELETE FROM change WHERE revision = 3`, /no change of revision 3/],
    ['a document that is gone', `DELETE FROM resource_history WHERE revision = 3`, /0 of its 1 items/],
    [
      'a document too many',
      `INSERT INTO resource_history SELECT revision, 7, uid, op, mesh, kind, namespace, name, version, before, after FROM resource_history WHERE revision = 3`,
      /more than its 1 items/,
    ],
    [
      'what a search finds an entry by',
      `UPDATE audit_entry SET actor = 'somebody else' WHERE seq = 3`,
      /searches find it by/,
    ],
    ['a decision', `UPDATE audit_entry SET decision = 'refused' WHERE seq = 3`, /searches find it by/],
  ])('SEC-62 finds %s, changed by a superuser', async (_what, statement, reason) => {
    await raw.query('BEGIN');
    await raw.query('SET LOCAL session_replication_role = replica'); // a superuser switches triggers off
    await raw.query(`CREATE TABLE saved_resource AS SELECT * FROM resource`);
    await raw.query(`CREATE TABLE saved_change AS SELECT * FROM change`);
    await raw.query(`CREATE TABLE saved_history AS SELECT * FROM resource_history`);
    await raw.query(`CREATE TABLE saved_audit AS SELECT * FROM audit_entry`);
    await raw.query(statement);
    await raw.query('COMMIT');
    const verdict = await store.audit.verify();
    await raw.query('BEGIN');
    await raw.query('SET LOCAL session_replication_role = replica');
    for (const [table, saved] of [
      ['resource', 'saved_resource'],
      ['change', 'saved_change'],
      ['resource_history', 'saved_history'],
      ['audit_entry', 'saved_audit'],
    ]) {
      await raw.query(`DELETE FROM ${table}`);
      await raw.query(`INSERT INTO ${table} SELECT * FROM ${saved}`);
      await raw.query(`DROP TABLE ${saved}`);
    }
    await raw.query('COMMIT');
    expect(verdict).toMatchObject({ ok: false, seq: expect.any(Number), reason: expect.stringMatching(reason) });
    expect(await store.audit.verify()).toMatchObject({ ok: true });
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

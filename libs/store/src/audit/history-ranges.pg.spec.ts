import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import type { Sql } from '../database.js';
import { openStore } from '../open-store.js';
import type { Store } from '../ports.js';
import { held, installSigner, newSigner, rewriteFrom, type TestSigner } from '../testing/audited.js';
import { bulkHistory } from '../testing/bulk-history.js';
import { actor, put, request } from '../testing/fixtures.js';
import { ChainBroken } from './checkpoint.js';
import { NotOwner } from './cut.js';
import { historyStatement } from './history.js';
import { verifyExport } from './offline.js';
import { searchStatement } from './search.js';

const DAY_MS = 86_400_000;
const CHANGES = 6_000;
const RESOURCES = 100;
/** One change every so often: the newest is of now. */
const EVERY_MS = (100 * DAY_MS) / CHANGES;

describe('history in ranges', () => {
  let database: TestDatabase;
  let store: Store;
  let raw: Client;
  let sql: Sql;
  let signer: TestSigner;
  const start = Date.now() - 100 * DAY_MS;

  beforeAll(async () => {
    database = await createTestDatabase();
    raw = new Client({ connectionString: database.url });
    await raw.connect();
    sql = {
      query: async <Row extends object>(text: string, parameters: readonly unknown[] = []) =>
        (await raw.query<Row>(text, [...parameters])).rows,
    };
    await raw.query('UPDATE history_settings SET width = 1000');
    // Smaller than the one that migrations make, so that several are full.
    await raw.query('DROP TABLE change_0, resource_history_0, audit_entry_0');
    await raw.query(`DO $$ DECLARE r record; BEGIN
      FOR r IN SELECT * FROM history_range WHERE lower > 0 LOOP
        EXECUTE format('DROP TABLE change_%s, resource_history_%s, audit_entry_%s', r.lower, r.lower, r.lower);
      END LOOP; END $$`);
    await raw.query('DELETE FROM history_range');
    for (const table of ['change', 'resource_history', 'audit_entry'])
      await raw.query(`CREATE TABLE ${table}_0 PARTITION OF ${table} FOR VALUES FROM (0) TO (1000)`);
    await raw.query('INSERT INTO history_range VALUES (0, 1000)');
    for (const table of ['change_0', 'resource_history_0', 'audit_entry_0'])
      await raw.query(`ALTER TABLE ${table} OWNER TO heddle_migrate`);
    store = await openStore({ url: database.url, replica: 'a' });
    // The mesh `default` has been there since before.
    for (const table of ['change', 'audit_entry'])
      await raw.query(`UPDATE ${table} SET at = $1`, [new Date(start - EVERY_MS)]);
    await rewriteFrom(raw, 1, (payload) => payload);
    await bulkHistory(sql, { changes: CHANGES, resources: RESOURCES, from: start, everyMs: EVERY_MS });
    await raw.query('ANALYZE');
    signer = newSigner('k-1');
    await installSigner(raw, store, signer);
  });

  afterAll(async () => {
    await raw?.end();
    await store?.close();
    await database?.drop();
  });

  interface Node {
    readonly 'Node Type': string;
    readonly 'Relation Name'?: string;
    readonly 'Actual Loops'?: number;
    readonly 'Actual Rows'?: number;
    readonly Plans?: readonly Node[];
  }

  /** Scans of a statement that were really carried out, as `<node> <table>`. */
  const scans = async ({ text, parameters }: { text: string; parameters: readonly unknown[] }): Promise<string[]> => {
    const [row] = await sql.query<{ 'QUERY PLAN': { Plan: Node }[] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
      parameters,
    );
    const visit = (node: Node): string[] => [
      ...(node['Relation Name'] !== undefined && (node['Actual Loops'] ?? 0) > 0
        ? [`${node['Node Type']} ${node['Relation Name']}${node['Actual Rows'] === 0 ? ' (found nothing)' : ''}`]
        : []),
      ...(node.Plans ?? []).flatMap(visit),
    ];
    const root = row?.['QUERY PLAN'][0]?.Plan;
    return root === undefined ? [] : visit(root);
  };

  /** Scans of all rows of a range that is full; those that are empty as yet cost nothing. */
  const whole = (used: readonly string[]): string[] =>
    used.filter((scan) => /^Seq Scan .*_([0-5]000|0)( |$)/.test(scan));

  it('REL-52 is made of ranges that exist before a write needs them', async () => {
    const ranges = await sql.query<{ lower: string; upper: string }>(
      'SELECT lower, upper FROM history_range ORDER BY lower',
    );
    expect(ranges.map(({ lower }) => Number(lower))).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]);
    expect(await sql.query('SELECT ensure_history_ranges() AS made')).toEqual([{ made: 0 }]);
  });

  it('REL-52 the application makes ranges, though it may not run DDL', async () => {
    await raw.query('SET ROLE heddle_app');
    await raw.query('BEGIN');
    await raw.query(`UPDATE stream SET revision = 7500 WHERE stream = 'config'`);
    expect(await sql.query('SELECT ensure_history_ranges() AS made')).toEqual([{ made: 1 }]);
    await expect(raw.query('CREATE TABLE x (y int)')).rejects.toThrow('permission denied');
    await raw.query('ROLLBACK');
    await raw.query('RESET ROLE');
  });

  it.each([
    ['the newest changes', { mesh: 'default', limit: 20 }, /_[5-8]000$/],
    ['older changes', { mesh: 'default', limit: 20, before: 2_500 }, /_2000$/],
    ['changes by an actor', { mesh: 'default', limit: 20, actor: 'tests' }, /_[5-8]000$/],
  ])('REL-52 reads %s by index, from the ranges that have them', async (_what, query, ranges) => {
    const used = await scans(historyStatement(query));
    expect(whole(used)).toEqual([]);
    expect(used.length).toBeGreaterThan(1);
    for (const scan of used) expect(scan.replace(' (found nothing)', '')).toMatch(ranges);
  });

  it('REL-52 reads changes of a time by index', async () => {
    const [since, until] = [1_500, 1_510].map((n) => new Date(start + n * EVERY_MS).toISOString());
    const query = { mesh: 'default', limit: 20, since, until };
    expect(whole(await scans(historyStatement(query)))).toEqual([]);
    expect(await store.history.list(query)).toHaveLength(10);
  });

  it('REL-52 reads the changes of one resource by index', async () => {
    const resource = { kind: 'Service', namespace: 'default', name: 'bulk-7' };
    const used = await scans(historyStatement({ mesh: 'default', limit: 5, resource }));
    expect(whole(used)).toEqual([]);
    // It changes every 100 revisions: five of them lie in the newest range.
    expect(used.some((scan) => scan.endsWith(' resource_history_1000'))).toBe(false);
  });

  it.each([
    ['everything', {}],
    ['by actor', { actor: 'tests' }],
    ['by action', { action: 'write' }],
    ['by resource', { resource: { kind: 'Service', namespace: 'default', name: 'bulk-7' } }],
  ])('REL-52 searches the audit %s by index, in the newest range only', async (_what, more) => {
    const used = await scans(searchStatement({ mesh: 'default', limit: 5, ...more }));
    expect(whole(used)).toEqual([]);
    expect(used.some((scan) => scan.startsWith('Index') && /audit_entry_[56]000$/.test(scan))).toBe(true);
    // Of what was refused there is little: its index is asked in every range, and has nothing to give.
    const old = used.filter((scan) => /^Index Scan audit_entry_([0-4]000|0)$/.test(scan));
    expect(old).toEqual([]);
  });

  it('REL-52 searches the audit of a time in the ranges of that time', async () => {
    const [since, until] = [2_100, 2_200].map((n) => new Date(start + n * EVERY_MS).toISOString());
    const query = { mesh: 'default', limit: 500, since, until };
    const { items } = await store.audit.search(query);
    expect(items).toHaveLength(100);
    expect(items.every(({ at }) => at >= (since ?? '') && at < (until ?? ''))).toBe(true);
    const used = await scans(searchStatement(query));
    expect(whole(used)).toEqual([]);
  });

  it('pages through a search without a gap', async () => {
    const seen: number[] = [];
    const resource = { kind: 'Service', namespace: 'default', name: 'bulk-7' };
    await store.resources.write(request([put('Service', 'bulk-7', {}, { ifVersion: 9_999 })]));
    for (let cursor: string | undefined; ; ) {
      const page = await store.audit.search({ mesh: 'default', limit: 7, resource, cursor });
      seen.push(...page.items.map(({ seq }) => seq));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(seen).toHaveLength(CHANGES / RESOURCES + 1);
    expect(seen).toEqual(seen.toSorted((a, b) => b - a));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('reads a resource as it was, and what is different between two revisions', async () => {
    const id = { kind: 'Service', namespace: 'default', name: 'bulk-3' };
    // Revision 1 made the mesh, so bulk-3 was created by revision 5 and changed by each hundredth after it.
    expect(await store.history.at('default', id, 4)).toBeUndefined();
    expect(await store.history.at('default', id, 5)).toMatchObject({ revision: 5, version: 1 });
    expect(await store.history.at('default', id, 1_004)).toMatchObject({ revision: 905, version: 10 });
    expect(await store.history.at('default', id, 1_005)).toMatchObject({ revision: 1_005, version: 11 });
    const net = await store.past.between('default', 1_000, 1_010);
    expect(net.map(({ name }) => name)).toEqual([
      ...['bulk-0', 'bulk-1', 'bulk-2', 'bulk-3', 'bulk-4', 'bulk-5', 'bulk-6', 'bulk-7', 'bulk-8', 'bulk-99'],
    ]);
    expect(net.every(({ before, after }) => before !== undefined && after !== undefined)).toBe(true);
    const all = await store.past.between('default', 0, 2_000);
    expect([all.length, all.every(({ before }) => before === undefined)]).toEqual([101, true]);
  });

  it('what was changed and changed back is as it was, and who did it is known', async () => {
    const from = (await store.identity()).configRevision;
    await store.resources.write(request([put('Service', 'there-and-back', { a: 1 })]));
    const middle = (await store.identity()).configRevision;
    await store.resources.write(request([put('Service', 'there-and-back', { a: 2 })]));
    await store.resources.write(request([put('Service', 'there-and-back', { a: 1 })]));
    const to = (await store.identity()).configRevision;
    const [back] = await store.past.between('default', middle, to);
    expect(back?.before).toEqual(back?.after);
    expect(back?.changes).toHaveLength(2);
    expect(await store.past.between('default', from, to)).toMatchObject([{ after: { spec: { a: 1 } } }]);
    await store.resources.write(
      request([{ op: 'delete', kind: 'Service', namespace: 'default', name: 'there-and-back' }]),
    );
    const gone = (await store.identity()).configRevision;
    const [passing] = await store.past.between('default', from, gone);
    expect([passing?.before, passing?.after]).toEqual([undefined, undefined]);
    const [removed] = await store.past.between('default', to, gone);
    expect([removed?.before !== undefined, removed?.after]).toEqual([true, undefined]);
    expect(
      await store.history.at('default', { kind: 'Service', namespace: 'default', name: 'there-and-back' }, gone),
    ).toBeUndefined();
  });

  describe('old ones removed', () => {
    const delivered: string[] = [];
    const cut = async (keepDays: number) =>
      store.audit.cut({
        lease: await held(store),
        signer,
        actor: { ...actor, name: 'system' },
        keepDays,
        deliver: (line) => {
          delivered.push(line);
          return Promise.resolve();
        },
      });
    const lowest = async (): Promise<number> =>
      Number((await sql.query<{ min: string }>('SELECT min(lower) FROM history_range'))[0]?.min);

    it('SEC-62 are not removed when the chain up to there is not whole', async () => {
      await raw.query(`UPDATE audit_entry SET payload = replace(payload, '"bulk"', '"bilk"') WHERE seq = 1210`);
      await expect(cut(60)).rejects.toThrow(ChainBroken);
      await raw.query(`UPDATE audit_entry SET payload = replace(payload, '"bilk"', '"bulk"') WHERE seq = 1210`);
      expect([await lowest(), delivered]).toEqual([0, []]);
      expect(await store.audit.verify()).toMatchObject({ ok: true, from: 1 });
    });

    it('SEC-62 are not removed before the statement that covers them is out of the database', async () => {
      const deliver = (): Promise<void> => Promise.reject(new Error('the webhook is away'));
      await expect(store.audit.cut({ lease: await held(store), signer, actor, keepDays: 60, deliver })).rejects.toThrow(
        'away',
      );
      expect(await lowest()).toBe(0);
    });

    it('SEC-65 are not removed by a login that does not own them', async () => {
      const login = `login_${database.name}`;
      await raw.query(`CREATE ROLE ${login} LOGIN PASSWORD 'secret'; GRANT heddle_app TO ${login}`);
      const url = new URL(database.url);
      url.username = login;
      url.password = 'secret';
      const weak = await openStore({ url: url.href, replica: 'a' });
      const lease = await held(weak);
      await expect(
        weak.audit.cut({ lease, signer, actor, keepDays: 60, deliver: () => Promise.resolve() }),
      ).rejects.toThrow(NotOwner);
      await weak.close();
      await raw.query(`DROP ROLE ${login}`);
    });

    it('REL-52 SEC-62 leave a chain that is verified from a signed statement on', async () => {
      const before = await store.audit.checkpoint(await held(store), signer);
      const made = await cut(60);
      // 100 days are 6,000 revisions: the first 2,400 are older than 60 days, of which two ranges are full.
      expect(made).toMatchObject({ type: 'heddle-audit-cut/v1', revision: 1_999, resources: RESOURCES + 1 });
      expect(await lowest()).toBe(2_000);
      expect(delivered).toEqual([expect.stringContaining('"revision":1999')]);
      expect(await cut(60)).toBeUndefined();
      const kept = JSON.parse(delivered[0] ?? '') as unknown;
      const options = { checkpoints: [kept, JSON.parse(before ?? '')] };
      expect(await store.audit.verify(options)).toMatchObject({ ok: true, from: (made?.seq ?? 0) + 1, beforeStart: 1 });
      const { items } = await store.audit.search({ mesh: '', limit: 5 });
      expect(items[0]?.payload).toMatchObject({ action: 'history-cut', actor: { name: 'system' } });
      const lines: string[] = [];
      for await (const line of store.audit.export()) lines.push(line);
      expect(await verifyExport(lines, { publicKeys: [signer.publicKey] })).toMatchObject({
        ok: true,
        from: (made?.seq ?? 0) + 1,
      });
      const forged = lines.filter((line) => !line.includes('-cut/'));
      expect(await verifyExport(forged, { publicKeys: [signer.publicKey] })).toMatchObject({
        ok: false,
        reason: expect.stringContaining('nobody vouches'),
      });
    });

    it('SEC-62 cannot be made to look like a cut that was not signed', async () => {
      const whole = await sql.query<{ id: string; document: string }>(
        `SELECT id, document FROM audit_statement WHERE kind = 'cut'`,
      );
      const id = whole[0]?.id;
      await raw.query(
        `UPDATE audit_statement SET document = replace(document, '"revision":1999', '"revision":2999') WHERE id = $1`,
        [id],
      );
      expect(await store.audit.verify()).toMatchObject({
        ok: false,
        reason: expect.stringContaining('not vouched for'),
      });
      await raw.query('UPDATE audit_statement SET document = $2 WHERE id = $1', [id, whole[0]?.document]);
      await raw.query('DELETE FROM audit_statement WHERE id = $1', [id]);
      expect(await store.audit.verify()).toMatchObject({ ok: false, seq: 1 });
      await raw.query(
        `INSERT INTO audit_statement (kind, seq, document) SELECT 'cut', (d->>'seq')::bigint, $1::text FROM (SELECT $1::json AS d) x`,
        [whole[0]?.document],
      );
      expect(await store.audit.verify()).toMatchObject({ ok: true });
    });

    it('keep what is needed to read a resource as it was since', async () => {
      const id = { kind: 'Service', namespace: 'default', name: 'bulk-3' };
      expect(await store.history.floor()).toBe(1_999);
      expect(await store.history.at('default', id, 1_999)).toMatchObject({ version: 20 });
      expect(await store.history.at('default', id, 2_004)).toMatchObject({ version: 20 });
      expect(await store.history.at('default', id, 2_005)).toMatchObject({ revision: 2_005, version: 21 });
    });

    it('are kept while somebody is served from them', async () => {
      await raw.query(
        `INSERT INTO quarantine (uid, mesh, bad_revision, use_revision, reason) VALUES ('uid-bulk-1', 'default', 5000, 2500, 'a test')`,
      );
      expect(await cut(10)).toBeUndefined();
      await raw.query('DELETE FROM quarantine');
      expect(await cut(10)).toMatchObject({ revision: 4_999 });
      expect(await store.audit.verify()).toMatchObject({ ok: true });
    });
  });
});

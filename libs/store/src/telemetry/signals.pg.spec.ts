import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { type DueBucket, type Lease, LeaseLost, type RolledMesh, type Store, StoreUnavailable } from '../index.js';
import { openStore } from '../open-store.js';
import { aFailure, aPart, rangesOfPast } from '../testing/signal-parts.js';
import { signalStatement } from './read.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const floor = (at: number, length: number): number => Math.floor(at / length) * length;

let database: TestDatabase;
let store: Store;
let raw: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'a', pool: 2 });
  raw = new Client({ connectionString: database.url });
  await raw.connect();
  await store.signals.times('default');
});
afterAll(async () => {
  await raw?.end();
  await store?.close();
  await database?.drop();
});
const NOW = floor(Date.now(), 10 * MINUTE);

const TABLES = ['part', 'service', 'pair', 'edge', 'instance', 'zone', 'failure', 'redo'].map(
  (name) => `signal_${name}`,
);
beforeEach(async () => {
  await raw.query(`TRUNCATE ${TABLES.join(', ')}`);
  await raw.query('UPDATE signal_tier SET rolled_until = 0');
});

const all = async (lengthMs: number, mesh = 'default'): Promise<string[]> => {
  const spans = [{ lengthMs, from: NOW - DAY, to: NOW + DAY }];
  const rows = await store.signals.read({ mesh, view: 'service', spans });
  return rows.map(({ at, shelf, cells }) => `${(at - NOW) / SECOND} ${shelf} ${Buffer.from(cells)}`).sort();
};
const rows = async (text: string): Promise<unknown[]> => (await raw.query(text)).rows;
const found = (callee?: string) =>
  store.signals.failures({ mesh: 'default', from: NOW - DAY, to: NOW + DAY, limit: 500, callee });

describe('what collectors leave', () => {
  it('counts once, however often it is written', async () => {
    const part = aPart(NOW, { 'shop/orders/http': 'one' }, { failures: [aFailure(NOW)] });
    for (let i = 0; i < 3; i += 1) expect(await store.signals.write(part)).toBe(true);
    await Promise.all([store.signals.write(part), store.signals.write(part)]);
    expect(await all(10_000)).toEqual(['0 shop/orders/http one']);
    expect((await found()).items).toEqual([aFailure(NOW)]);
  });

  it('is replaced as a whole by what the same source writes for the same bucket', async () => {
    await store.signals.write(
      aPart(NOW, { 'shop/orders/http': 'one', 'shop/stock/http': 'two' }, { failures: [aFailure(NOW)] }),
    );
    await store.signals.write(aPart(NOW + 10_000, { 'shop/orders/http': 'next' }));
    await store.signals.write(aPart(NOW, { 'shop/orders/http': 'other' }, { failures: [aFailure(NOW + 1)] }));
    expect(await all(10_000)).toEqual(['0 shop/orders/http other', '10 shop/orders/http next']);
    expect((await found()).items).toEqual([aFailure(NOW + 1)]);
  });

  it('lies beside what other sources and meshes have of the same bucket', async () => {
    await store.signals.write(aPart(NOW, { 'shop/orders/http': 'one' }));
    await store.signals.write(aPart(NOW, { 'shop/orders/http': 'two' }, { source: 'b', complete: false }));
    await store.signals.write(aPart(NOW, { 'shop/orders/http': 'three' }, { mesh: 'other' }));
    expect(await all(10_000)).toEqual(['0 shop/orders/http one', '0 shop/orders/http two']);
    expect(await all(10_000, 'other')).toEqual(['0 shop/orders/http three']);
    const spans = [{ lengthMs: 10_000, from: NOW, to: NOW + 10_000 }];
    expect([await store.signals.incomplete('default', spans), await store.signals.incomplete('other', spans)]).toEqual([
      [NOW],
      [],
    ]);
  });

  it('is not taken for a time that is over or far in the future, and no other time is harmed', async () => {
    expect(await store.signals.write(aPart(NOW - 2 * DAY, { 'shop/orders/http': 'old' }))).toBe(false);
    expect(await store.signals.write(aPart(NOW + 2 * DAY, { 'shop/orders/http': 'new' }))).toBe(false);
    await expect(store.signals.write(aPart(NOW + 1, {}))).rejects.toThrow(RangeError);
    expect(await all(10_000)).toEqual([]);
  });

  it('SEC-12 may hold anything in its texts', async () => {
    const path = '/\u0000<script>\u001b[31m\ud800';
    const part = aPart(NOW, { 'shop/\u0000/http': 'x' }, { failures: [aFailure(NOW, { path })] });
    expect(await store.signals.write(part)).toBe(true);
    expect((await found()).items[0]?.path).toBe('/\ufffd<script>\u001b[31m\ufffd');
  });

  it('REL-36 is refused when so much of it waits already, and a change goes through all the same', async () => {
    await raw.query('BEGIN');
    await raw.query('LOCK TABLE signal_tier IN ACCESS EXCLUSIVE MODE');
    const writing = Array.from({ length: 20 }, (_, i) =>
      store.signals
        .write(aPart(NOW, { 'shop/orders/http': 'x' }, { source: `s-${i}` }))
        .catch((error: unknown) => error),
    );
    const first = await Promise.race(writing);
    expect(first).toBeInstanceOf(StoreUnavailable);
    expect(await store.resources.meshes()).toEqual(['default']);
    await raw.query('ROLLBACK');
    const ended = await Promise.all(writing);
    expect(ended.filter((one) => one instanceof StoreUnavailable).length).toBeGreaterThanOrEqual(12);
  });
});

describe('failures', () => {
  it('come newest first, by pages, and by what is asked for', async () => {
    const failures = Array.from({ length: 7 }, (_, i) =>
      aFailure(NOW + i, { callee: i % 2 ? 'shop/stock/http' : 'shop/orders/http', requestId: `r-${i}` }),
    );
    await store.signals.write(aPart(NOW, {}, { failures }));
    await store.signals.write(aPart(NOW, {}, { source: 'b', failures: [aFailure(NOW + 3, { requestId: 'twin' })] }));
    const query = { mesh: 'default', from: NOW, to: NOW + 10_000, limit: 3 };
    const ids: string[] = [];
    for (let cursor: string | undefined, page = 0; page < 3; page += 1) {
      const answer = await store.signals.failures({ ...query, cursor });
      ids.push(...answer.items.map(({ requestId }) => requestId));
      cursor = answer.cursor;
      expect(cursor === undefined).toBe(page === 2);
    }
    expect(ids).toEqual(['r-6', 'r-5', 'r-4', 'twin', 'r-3', 'r-2', 'r-1', 'r-0']);
    expect((await found('shop/stock/')).items.map(({ requestId }) => requestId)).toEqual(['r-5', 'r-3', 'r-1']);
    expect((await store.signals.failures({ ...query, requestId: 'r-2' })).items).toEqual([failures[2]]);
    expect((await store.signals.failures({ ...query, outcome: 'tls' })).items).toEqual([]);
    expect((await store.signals.failures({ ...query, cursor: 'mine' })).items).toHaveLength(3);
  });
});

describe('rolling up', () => {
  let lease: Lease;
  beforeEach(async () => {
    const taken = await store.leases.take('signals', 'a', 60_000);
    if (!taken) throw new Error('the lease is taken');
    lease = taken;
  });

  /** Makes everything that is due: a bucket holds the sorted texts of what it is made of. */
  async function rollUp(): Promise<string[]> {
    const made: string[] = [];
    for (;;) {
      const due = await store.signals.due();
      if (due === undefined) return made;
      expect(await store.signals.finish(lease, due, await joined(due))).toBe(true);
      // Whether a longer one has ended depends on the time of day.
      if (due.meshes.length > 0 && due.lengthMs <= 10 * MINUTE)
        made.push(`${due.lengthMs / SECOND} ${(due.at - NOW) / SECOND}`);
    }
  }

  async function joined(due: DueBucket): Promise<RolledMesh[]> {
    const meshes: RolledMesh[] = [];
    for (const { mesh, complete } of due.meshes) {
      const texts = new Map<string, string[]>();
      for (const { shelf, cells } of await store.signals.contents(due, mesh, 'service'))
        texts.set(shelf, [...(texts.get(shelf) ?? []), `${Buffer.from(cells)}`]);
      const pages = [...texts].map(([shelf, each]) => ({
        ...({ view: 'service', shelf } as const),
        cells: Buffer.from(each.sort().join(' ')),
      }));
      meshes.push({ mesh, complete, pages });
    }
    return meshes;
  }

  const past = (minutes: number): number => NOW - minutes * MINUTE;

  it('makes buckets of finer ones that have ended, all sources and meshes in one, and nothing twice', async () => {
    await store.signals.write(aPart(past(25), { 'shop/orders/http': 'one' }));
    await store.signals.write(aPart(past(25), { 'shop/orders/http': 'two' }, { source: 'b' }));
    await store.signals.write(aPart(past(25) + 50_000, { 'shop/orders/http': 'three' }, { complete: false }));
    await store.signals.write(aPart(past(22), { 'shop/orders/http': 'four' }));
    await store.signals.write(aPart(past(22), { 'shop/orders/http': 'five' }, { mesh: 'other' }));
    expect(await rollUp()).toEqual(['60 -1500', '60 -1320', '600 -1800']);
    expect(await all(60_000)).toEqual(['-1320 shop/orders/http four', '-1500 shop/orders/http one three two']);
    expect(await all(600_000)).toEqual(['-1800 shop/orders/http four one three two']);
    expect(await all(600_000, 'other')).toEqual(['-1800 shop/orders/http five']);
    const spans = [{ lengthMs: 600_000, from: NOW - DAY, to: NOW }];
    expect(await store.signals.incomplete('default', spans)).toEqual([past(30)]);
    expect(await rollUp()).toEqual([]);
    const { tiers, newest } = await store.signals.times('default');
    expect(tiers[1]?.until).toBeGreaterThanOrEqual(NOW - MINUTE);
    expect(newest).toBe(past(22) + 10_000);
  });

  it('makes a bucket once more when a part of it came late, and those that are made of it', async () => {
    await store.signals.write(aPart(past(25), { 'shop/orders/http': 'one' }));
    await rollUp();
    await store.signals.write(aPart(past(25) + 20_000, { 'shop/orders/http': 'late' }, { source: 'b' }));
    expect(await rollUp()).toEqual(['60 -1500', '600 -1800']);
    expect(await all(600_000)).toEqual(['-1800 shop/orders/http late one']);
    // Another content of what is there already; and the same once more, which is nothing new.
    await store.signals.write(aPart(past(25), { 'shop/orders/http': 'other' }));
    await store.signals.write(aPart(past(25), { 'shop/orders/http': 'other' }));
    expect(await rollUp()).toEqual(['60 -1500', '600 -1800']);
    expect(await all(60_000)).toEqual(['-1500 shop/orders/http late other']);
    await store.signals.write(aPart(past(25), { 'shop/orders/http': 'other' }));
    expect(await rollUp()).toEqual([]);
  });

  it('does not take what was read before a part came, whichever way it comes', async () => {
    await store.signals.write(aPart(past(25), { 'shop/orders/http': 'one' }));
    const due = await store.signals.due();
    if (!due) throw new Error('nothing is due');
    const before = await joined(due);
    await store.signals.write(aPart(past(25) + 10_000, { 'shop/orders/http': 'two' }));
    expect(await store.signals.finish(lease, due, before)).toBe(false);
    // In an empty stretch that is passed at once: of ten minutes, the newest minute of it.
    await rollUp();
    expect(await all(60_000)).toEqual(['-1500 shop/orders/http one two']);
  });

  it('REL-48 is done by who has the lease', async () => {
    await store.signals.write(aPart(past(25), { 'shop/orders/http': 'one' }));
    const due = await store.signals.due();
    if (!due) throw new Error('nothing is due');
    await raw.query(`UPDATE job_lease SET until = now() - interval '1 second' WHERE name = 'signals'`);
    await store.leases.take('signals', 'b', 60_000);
    await expect(store.signals.finish(lease, due, await joined(due))).rejects.toThrow(LeaseLost);
    expect(await all(60_000)).toEqual([]);
    await raw.query(`DELETE FROM job_lease WHERE name = 'signals'`);
  });
});

describe('ranges of time', () => {
  const ranges = async (tier: number): Promise<number[]> =>
    (await rows(`SELECT lower FROM signal_range WHERE tier = ${tier} ORDER BY lower`)).map((row) =>
      Number((row as { lower: string }).lower),
    );
  const ensure = async () => {
    await raw.query('SET ROLE heddle_app');
    for (let moved = true; moved; )
      ({ moved } = (await raw.query<{ moved: boolean }>('SELECT ensure_signal_range() AS moved')).rows[0] ?? {
        moved: false,
      });
    await raw.query('RESET ROLE');
  };

  beforeAll(() => rangesOfPast(raw, 31));

  it('are made ahead, and dropped whole when their time is over, by who may run no DDL', async () => {
    await raw.query(`UPDATE signal_tier SET keep = 7 * 86400000::bigint, rolled_until = ${NOW} WHERE tier >= 600`);
    await ensure();
    const days = await ranges(600);
    expect(days[0]).toBe(floor(Date.now() - 7 * DAY, DAY));
    expect(days.at(-1)).toBe(floor(Date.now(), DAY) + 2 * DAY);
    const tables = await rows(`SELECT relname FROM pg_class WHERE relname LIKE 'signal_edge_600_%' AND relkind = 'r'`);
    expect(tables).toHaveLength(days.length);
    await expect(raw.query('SET ROLE heddle_app; DROP TABLE signal_failure')).rejects.toThrow('must be owner');
    await raw.query('RESET ROLE');
    await raw.query('UPDATE signal_tier SET keep = 30 * 86400000::bigint WHERE tier >= 600');
    await rangesOfPast(raw, 31);
  });

  it('are kept longer while they are not rolled up, but not for ever', async () => {
    await raw.query(`UPDATE signal_tier SET keep = 86400000, rolled_until = 0 WHERE tier >= 600`);
    await ensure();
    const days = await ranges(600);
    expect(days[0]).toBe(floor(Date.now() - 3 * DAY, DAY));
    await raw.query('UPDATE signal_tier SET keep = 30 * 86400000::bigint WHERE tier >= 600');
    await rangesOfPast(raw, 31);
  });

  it('can be kept as long as somebody wants, but for an hour at least', async () => {
    await store.signals.keep(600_000, 60 * DAY);
    expect(await rows('SELECT keep FROM signal_tier WHERE tier = 600')).toEqual([{ keep: String(60 * DAY) }]);
    await expect(store.signals.keep(600_000, 1)).rejects.toThrow(RangeError);
  });

  it('are read by index, and only those that a window needs', async () => {
    await raw.query(`
      INSERT INTO signal_service (tier, at, mesh, callee, source, cells)
      SELECT 600, b, 'default', 'shop/service-' || n || '/http', '', decode(repeat('00', 700), 'hex')
      FROM generate_series(${floor(NOW - 4 * DAY, DAY)}::bigint, ${NOW}, 600000) b, generate_series(1, 200) n`);
    await raw.query('ANALYZE signal_service');
    const window = { lengthMs: 600_000, from: floor(NOW - 3 * DAY, DAY), to: floor(NOW - 2 * DAY, DAY) };
    const plan = async (service?: { shelf: string; prefix: string }): Promise<string> => {
      const { text, parameters } = signalStatement({ mesh: 'default', view: 'service', spans: [window], service });
      const explained = await raw.query(`EXPLAIN ${text}`, [...parameters]);
      return explained.rows.map((row: { 'QUERY PLAN': string }) => row['QUERY PLAN']).join('\n');
    };
    const tables = (text: string): string[] => [...new Set(text.match(/signal_service_\d+_\d+(?!\d|_)/g))];
    const name = `signal_service_600_${window.from / SECOND}`;
    expect(tables(await plan())).toEqual([name]);
    const one = await plan({ shelf: '#3', prefix: 'shop/service-7/' });
    expect(tables(one)).toEqual([name]);
    expect(one).toMatch(/Index (Only )?Scan|Bitmap/);
  });
});

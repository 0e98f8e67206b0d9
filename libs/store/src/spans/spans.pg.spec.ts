import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog, silentMetrics } from '#libs/kernel';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { Database } from '../database.js';
import { openStore } from '../open-store.js';
import type { HeldEntry, SpanBatch, SpanStart, Store } from '../ports.js';
import { prune } from '../retention/prune.js';
import { actor, at, instance } from '../testing/fixtures.js';

const MESH = 'default';
const MINUTE = 60_000;
const DAY = 86_400_000;
let database: TestDatabase;
let store: Store;
/** As the owner of the tables: to make things old. */
let raw: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'a' });
  raw = new Client({ connectionString: database.url });
  await raw.connect();
});
afterAll(async () => {
  await raw?.end();
  await store?.close();
  await database?.drop();
});

const entry = (name: string, hash: string): HeldEntry => ['CDS', name, hash];
const whole = (hash: string, ...entries: readonly HeldEntry[]) => ({ mesh: MESH, hash, base: undefined, entries });
const artifact = (hash: string, name = 'a', revision = 1) => ({
  ...{ mesh: MESH, type: 'CDS', hash, name, revision },
  bytes: Buffer.from(`${hash} \u0000`),
});
const start = (name: string, agoMs: number, manifest?: string, revision = 1): SpanStart => ({
  ...{ mesh: MESH, instance: `shop/${name}`, agoMs },
  held: manifest === undefined ? undefined : { manifest, own: 'own', pins: [], revision },
});
const write = (batch: Partial<SpanBatch>, replica = 'a') =>
  store.spans.write(replica, { artifacts: [], manifests: [], starts: [], ...batch });
const ago = (name: string, agoMs: number) => store.spans.at(MESH, `shop/${name}`, { agoMs });
const rows = async (table: string, where = 'true'): Promise<number> =>
  Number((await raw.query(`SELECT count(*) FROM ${table} WHERE ${where}`)).rows[0].count);
/** The lease of the replica began long ago, so that spans of hours ago are its own. */
const began = (replica: string, agoMs: number, more = '') =>
  raw.query(`INSERT INTO replica (replica, session, started_at, seen_at)
    VALUES ('${replica}', 's', (extract(epoch FROM now()) * 1000)::bigint - ${agoMs}, (extract(epoch FROM now()) * 1000)::bigint)
    ON CONFLICT (replica) DO UPDATE SET started_at = EXCLUDED.started_at ${more}`);

describe('what proxies ran', () => {
  it('ends one span where the next begins', async () => {
    await began('a', DAY);
    await write({ starts: [start('web', 60 * MINUTE, 'm1', 1)] });
    await write({ starts: [start('web', 30 * MINUTE, 'm2', 2)] });
    await write({ starts: [start('web', 10 * MINUTE)] });
    expect(await ago('web', 90 * MINUTE)).toMatchObject({ span: undefined, next: expect.any(String) });
    const first = await ago('web', 45 * MINUTE);
    expect(first).toMatchObject({ span: { manifest: 'm1', own: 'own', revision: 1, replica: 'a' } });
    const second = await ago('web', 20 * MINUTE);
    expect(second.span).toMatchObject({ manifest: 'm2', since: first.span?.until });
    expect(Date.parse(second.at)).toBeLessThan(Date.parse(second.span?.until ?? ''));
    // Not attached any more: the last that is known.
    const now = await ago('web', 0);
    expect(now.span).toEqual(second.span);
    expect(Date.parse(now.span?.until ?? '')).toBeLessThan(Date.parse(now.at));
    expect(await store.spans.at(MESH, 'shop/web', { time: first.at })).toMatchObject({ span: first.span });
  });

  it('of starts that had to wait, each ends the one before', async () => {
    const waited = [start('late', 40 * MINUTE, 'm1'), start('late', 30 * MINUTE), start('late', 20 * MINUTE, 'm2')];
    await write({ starts: [...waited, start('late', 10 * MINUTE, 'm3')] });
    const at = async (minutes: number) => (await ago('late', minutes * MINUTE)).span;
    expect(await at(35)).toMatchObject({ manifest: 'm1', until: expect.any(String) });
    expect(await at(25)).toEqual(await at(35));
    expect(await at(15)).toMatchObject({ manifest: 'm2', until: (await at(5))?.since });
    expect(await at(5)).toMatchObject({ manifest: 'm3', until: undefined });
  });

  it('takes the one that is attached then, of several replicas', async () => {
    await began('b', DAY);
    await write({ starts: [start('moved', 60 * MINUTE, 'm1'), start('moved', 30 * MINUTE)] });
    await write({ starts: [start('moved', 40 * MINUTE, 'm2')] }, 'b');
    await write({ starts: [start('moved', 20 * MINUTE, 'm3'), start('moved', 19 * MINUTE)] });
    expect((await ago('moved', 35 * MINUTE)).span).toMatchObject({ manifest: 'm2', replica: 'b' });
    expect((await ago('moved', 10 * MINUTE)).span).toMatchObject({ manifest: 'm2', replica: 'b' });
  });

  it('finds the first of a config revision', async () => {
    const starts = [start('rev', 4_000, 'm1', 5), start('rev', 3_000, 'm2', 7), start('rev', 2_000, 'm3', 7)];
    await write({ starts: [...starts, start('rev', 1_000, 'm4', 9)] });
    const of = async (revision: number) => (await store.spans.ofRevision(MESH, 'shop/rev', revision))?.manifest;
    expect([await of(4), await of(5), await of(7), await of(8), await of(9)]).toEqual([
      undefined,
      'm1',
      'm2',
      undefined,
      'm4',
    ]);
  });

  it('ends what a killed process left open when that was last seen', async () => {
    await began('killed', 3 * DAY);
    await write({ starts: [start('k1', 60 * MINUTE, 'm1'), start('k2', 60 * MINUTE, 'm1')] }, 'killed');
    const ended = async (name: string) => {
      const { span, now } = await ago(name, 1);
      return span?.until && Math.round((Date.parse(now) - Date.parse(span.until)) / MINUTE);
    };
    expect(await ended('k1')).toBeUndefined();
    // Its lease has run out: nobody has written anything.
    await raw.query(`UPDATE replica SET seen_at = seen_at - ${20 * MINUTE} WHERE replica = 'killed'`);
    expect(await ended('k1')).toBe(20);
    // The process is back, and one of its proxies, too.
    await raw.query(
      `UPDATE replica SET previous_seen_at = seen_at, seen_at = seen_at + ${20 * MINUTE}, started_at = seen_at + ${15 * MINUTE} WHERE replica = 'killed'`,
    );
    expect([await ended('k1'), await ended('k2')]).toEqual([20, 20]);
    await write({ starts: [start('k1', 2 * MINUTE, 'm1')] }, 'killed');
    expect((await ago('k1', 10 * MINUTE)).span?.until).toBeDefined();
    expect([await ended('k1'), await ended('k2')]).toEqual([undefined, 20]);
    // Housekeeping ends the other.
    const again = await openStore({ url: database.url, replica: 'c' });
    await expect.poll(() => rows('stream_span', `instance = 'shop/k2' AND until IS NULL`)).toBe(0);
    await again.close();
    expect(await ended('k2')).toBe(20);
  });

  it('a process knows when the one before it was seen', async () => {
    const first = await openStore({ url: database.url, replica: 'twice' });
    const seen = (column: string) => raw.query(`SELECT ${column} AS ms FROM replica WHERE replica = 'twice'`);
    await expect.poll(async () => (await seen('seen_at')).rows.length).toBe(1);
    await first.close();
    const before = (await seen('seen_at')).rows[0].ms;
    const second = await openStore({ url: database.url, replica: 'twice' });
    await expect.poll(async () => (await seen('previous_seen_at')).rows[0].ms).toBe(before);
    await second.close();
  });
});

describe('contents', () => {
  it('are stored once, and sets as differences', async () => {
    const base = whole('s1', entry('a', 'h1'), entry('b', 'h2'), entry('c', 'h3'));
    const next = { mesh: MESH, hash: 's2', base: 's1', entries: [entry('b', 'h4'), entry('c', '')] };
    const [h1, h2, h3, h4] = [artifact('h1', 'a'), artifact('h2', 'b'), artifact('h3', 'c'), artifact('h4', 'b', 2)];
    await write({ artifacts: [h1, h2, h3], manifests: [base] });
    await write({ artifacts: [{ ...h1, revision: 9 }, h4], manifests: [base, next] });
    expect([await rows('artifact'), await rows('manifest')]).toEqual([4, 2]);
    expect(await store.spans.resources(MESH, ['s2', 'none'])).toMatchObject([
      { type: 'CDS', name: 'a', hash: 'h1', revision: 1, firstSeen: expect.any(String) },
      { type: 'CDS', name: 'b', hash: 'h4', revision: 2 },
    ]);
    expect(Buffer.from((await store.spans.content(MESH, 'CDS', 'h4')) ?? [])).toEqual(h4.bytes);
    expect(await store.spans.content(MESH, 'CDS', 'none')).toBeUndefined();
    expect(await store.spans.content('other', 'CDS', 'h4')).toBeUndefined();
  });

  it('go 30 days after the last that held them, and not before', async () => {
    await raw.query('TRUNCATE stream_span, manifest, artifact');
    await write({
      artifacts: [artifact('kept'), artifact('shared'), artifact('gone'), artifact('base')],
      manifests: [
        whole('live', entry('a', 'kept'), entry('b', 'shared')),
        whole('base', entry('c', 'base')),
        { mesh: MESH, hash: 'diff', base: 'base', entries: [entry('a', 'kept')] },
        whole('dead', entry('a', 'gone'), entry('b', 'shared')),
      ],
      starts: [
        start('now', 40 * DAY, 'live'),
        ...[start('short', 40 * DAY, 'dead'), start('short', 31 * DAY)],
        ...[start('later', 40 * DAY, 'diff'), start('later', 29 * DAY)],
      ],
    });
    await began('a', 100 * DAY);
    await raw.query(`UPDATE manifest SET touched = now() - interval '40 days'`);
    await raw.query(`UPDATE artifact SET touched = now() - interval '40 days'`);
    const source = await new DataSource({ type: 'postgres', url: database.url, installExtensions: false }).initialize();
    const asOwner = new Database(source, silentLog, silentMetrics);
    const round = () =>
      prune(asOwner, { log: silentLog, metrics: silentMetrics, signal: new AbortController().signal });
    await round();
    const left = async (table: string, column: string) =>
      (await raw.query(`SELECT ${column} AS it FROM ${table} ORDER BY 1`)).rows.map(({ it }) => it);
    expect(await left('stream_span', 'instance')).toEqual(['shop/later', 'shop/now']);
    expect(await left('manifest', 'hash')).toEqual(['base', 'diff', 'live']);
    expect(await left('artifact', 'hash')).toEqual(['base', 'kept', 'shared']);
    // The next round takes what the one before made free, the base after its difference.
    await raw.query(`UPDATE stream_span SET until = now() - interval '31 days' WHERE instance = 'shop/later'`);
    await round();
    await round();
    await source.destroy();
    expect(await left('manifest', 'hash')).toEqual(['live']);
    expect(await left('artifact', 'hash')).toEqual(['kept', 'shared']);
  });
});

describe('instances at a time', () => {
  it('are what the log says', async () => {
    const transition = (name: string, op: 'routable' | 'leave', routable = true) =>
      store.instances.transition(op === 'leave' ? { op, ...at(name) } : { op, ...at(name), routable });
    for (const name of ['up', 'gone', 'never', 'old']) await store.instances.register(instance(name), actor);
    await transition('up', 'routable');
    await transition('gone', 'routable');
    const between = (await ago('any', 0)).now;
    await transition('up', 'routable', false);
    await transition('gone', 'leave');
    // Of whom the log has forgotten everything, nothing has changed since.
    await transition('old', 'routable');
    await raw.query(`DELETE FROM instance_event WHERE name = 'old'`);
    const then = async (time: string) =>
      (await store.spans.instancesAt(MESH, ['default'], time))
        .filter(({ routable }) => routable)
        .map(({ name }) => name)
        .sort();
    expect(await then(between)).toEqual(['gone', 'old', 'up']);
    expect(await then((await ago('any', 0)).now)).toEqual(['old']);
    expect(await store.spans.instancesAt(MESH, ['other'], between)).toEqual([]);
  });
});

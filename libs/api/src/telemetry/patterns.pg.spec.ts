import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pattern, Suspect, Tracked } from '#libs/patterns';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { aBinding, aService, Caller, given } from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';

const NOW = Date.now();
let database: TestDatabase;
let api: ServedApi;
let admin: Caller;
let shop: Caller;
let known: Tracked[] = [];

const suspect = (kind: Suspect['kind'], id: string, events: readonly string[] = [id]): Suspect => {
  return { kind, id, events, title: `of ${id}`, at: NOW, score: 0.3, why: 'it came before', reversible: true };
};
const tracked = (id: string, more: Partial<Pattern>, over?: number): Tracked => ({
  ...{ id, state: over === undefined ? 'active' : 'over', since: NOW - 60_000, activeAt: NOW - 50_000, overAt: over },
  ...{ formerNames: [], found: 2, missed: 0, renaming: undefined },
  pattern: {
    ...{ name: 'bad_host', scope: { callees: ['shop/orders/8080'] }, since: NOW - 60_000, until: NOW, ongoing: true },
    ...{ failedRequests: 3, failedAttempts: 9, shareOfScope: 1, shareOfAll: 0.5, confidence: 0.9, facts: [] },
    ...{ sentence: 'orders-2 fails', upstream: [], suspects: [], ...more },
  },
});

beforeAll(async () => {
  database = await createTestDatabase();
  const list = async (_mesh: string, from: number) => known.filter(({ overAt = NOW }) => overAt > from);
  api = await serveApi(database.url, { patterns: { list } });
  admin = new Caller(api, await api.token('admin'));
  await given(admin, aService('shop/orders'), aService('bank/vault'));
  await given(admin, aBinding('shop', 'viewer', 'shop', { namespaces: ['shop'] }));
  await given(admin, aService('bank/ledger')); // c-4
  shop = await Caller.of(api, 'of-the-shop', 'shop');
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

const get = async (caller: Caller, path: string) => {
  const { status, body } = await caller.call('GET', `telemetry/${path}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};
const ids = (body: { items: readonly { id: string }[] }): string[] => body.items.map(({ id }) => id);

describe('patterns of failures', () => {
  beforeAll(() => {
    known = [
      tracked('p-orders', { suspects: [suspect('change', 'c-4'), suspect('rotation', 'x')] }),
      tracked('p-vault', { scope: { callees: ['bank/vault/8080'] }, upstream: ['shop/orders/8080'] }),
      tracked('p-over', {}, NOW - 30 * 60_000),
    ];
  });

  it('are told with what is over, and for how long it is asked', async () => {
    expect(ids(await get(admin, 'patterns'))).toEqual(['p-orders', 'p-vault', 'p-over']);
    expect(ids(await get(admin, 'patterns?since=10m'))).toEqual(['p-orders', 'p-vault']);
    const [first] = (await get(admin, 'patterns')).items;
    expect(first).toMatchObject({ state: 'active', begun: new Date(NOW - 60_000).toISOString(), hiddenSuspects: 0 });
  });

  it('of one service, also those that it fails by', async () => {
    expect(ids(await get(admin, 'patterns?service=bank/vault'))).toEqual(['p-vault']);
    expect(ids(await get(admin, 'patterns?service=shop/orders&since=10m'))).toEqual(['p-orders', 'p-vault']);
    expect(ids(await get(admin, 'patterns?service=shop/other'))).toEqual([]);
  });

  it('by its id, as long as it is in the time', async () => {
    expect(ids(await get(admin, 'patterns?id=p-over'))).toEqual(['p-over']);
    expect(ids(await get(admin, 'patterns?id=p-over&since=10m'))).toEqual([]);
    expect(ids(await get(shop, 'patterns?id=p-vault'))).toEqual([]);
  });

  it('SEC-34 name nobody and nothing that the reader may not see', async () => {
    const body = await get(shop, 'patterns?since=10m');
    expect(ids(body)).toEqual(['p-orders']);
    expect(body.hidden).toBe(1);
    const [orders] = body.items;
    expect([orders.suspects.map(({ id }: Suspect) => id), orders.hiddenSuspects]).toEqual([['x'], 1]);
    expect(JSON.stringify(body)).not.toContain('vault');
  });

  it('refuses what it does not know', async () => {
    for (const query of ['service=orders', 'since=soon', 'form=x'])
      expect((await admin.call('GET', `telemetry/patterns?${query}`)).status).toBe(400);
    const elsewhere = await admin.call('GET', '/api/v1/meshes/nowhere/telemetry/patterns');
    expect(elsewhere.status).toBe(404);
  });
});

describe('the timeline', () => {
  it('has the changes of the mesh, for whoever may see them', async () => {
    const all = await get(admin, 'timeline');
    const titles = all.items.map(({ title }: { title: string }) => title);
    expect(titles.some((title: string) => title.includes('bank/vault'))).toBe(true);
    expect(all.hidden).toBe(0);
    const some = await get(shop, 'timeline');
    expect(some.items.map(({ title }: { title: string }) => title)).toContain('change c-2');
    expect(some.hidden).toBeGreaterThan(0);
    expect(JSON.stringify(some)).not.toContain('vault');
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import {
  type EdgeCell,
  type FailureRecord,
  harvestStore,
  type InstanceCell,
  LatencySketch,
  SignalRollUp,
  type ZoneCell,
} from '#libs/telemetry';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { aBinding, aRole, aService, Caller, given, refusal } from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';

const BUCKET = 10_000;
const NOW = Math.floor(Date.now() / BUCKET) * BUCKET;
const MINUTE = 60_000;

let database: TestDatabase;
let api: ServedApi;
let admin: Caller;

const sketch = (...values: readonly number[]): LatencySketch => {
  const latencies = new LatencySketch();
  for (const ms of values) latencies.add(ms);
  return latencies;
};
const bucket = (at: number) => ({ at, lengthMs: BUCKET, complete: true });
const edge = (at: number, caller: string, callee: string, more: Partial<EdgeCell> = {}): EdgeCell => ({
  ...{ ...bucket(at), caller, callee, subset: '', route: 'HTTPRoute/shop/orders/0', outcome: 'ok', status: 200 },
  ...{ requests: 90, attempts: 90, latencies: sketch(10, 20, 30), ...more },
});
/** By the second rule of the route, which leads to a subset. */
const GREEN = { route: 'HTTPRoute/shop/orders/1', subset: 'green', latencies: sketch(70) };
const failed = (at: number, caller: string, callee: string): EdgeCell =>
  edge(at, caller, callee, { outcome: 'reset', status: 503, requests: 10, attempts: 30, latencies: sketch(400) });
const instance = (at: number, name: string, callee: string): InstanceCell => ({
  ...{ ...bucket(at), callee, instance: name, version: 'v1', zone: 'a', outcome: 'ok', attempts: 60 },
  latencies: sketch(5),
});
const zone = (at: number, callee: string): ZoneCell => ({
  ...{ ...bucket(at), callerZone: 'a', calleeZone: 'b', callee, outcome: 'ok', attempts: 40, latencies: sketch(7) },
});
const failure = (at: number, more: Partial<FailureRecord> = {}): FailureRecord => ({
  ...{ at, what: 'request', requestId: `r-${at - NOW}`, caller: 'shop/web', callerInstance: 'shop/web/web-1' },
  ...{ callee: 'shop/orders/http', subset: '', instance: 'shop/orders/orders-1', route: 'HTTPRoute/shop/orders/0' },
  ...{ outcome: 'reset', status: 503, flags: 'UC', details: 'upstream_reset', method: 'GET', path: '/<script>' },
  ...{ durationMs: 3, attempt: 1, ...more },
});

/** Three minutes of traffic, up to now: web calls orders and the bank; the bank calls orders. */
const times = Array.from({ length: 18 }, (_, i) => NOW - (i + 1) * BUCKET);
const edges = times.flatMap((at) => [
  edge(at, 'shop/web', 'shop/orders/http', { requests: 60, attempts: 60 }),
  edge(at, 'shop/web', 'shop/orders/http', { requests: 30, attempts: 30, ...GREEN }),
  failed(at, 'shop/web', 'shop/orders/http'),
  edge(at, 'bank/teller', 'shop/orders/http', { requests: 20, attempts: 20 }),
  edge(at, 'shop/web', 'bank/vault/http', { requests: 5, attempts: 5, route: '' }),
  edge(at, 'bank/teller', 'bank/vault/http', { requests: 7, attempts: 7, route: '' }),
  edge(at, '', 'shop/orders/http', { requests: 1, attempts: 1 }),
]);

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url);
  admin = new Caller(api, await api.token('admin'));
  await given(admin, aService('shop/orders', { tier: 'front' }), aService('shop/web'), aService('bank/vault'));
  await given(
    admin,
    aBinding('shop', 'viewer', 'shop', { namespaces: ['shop'] }),
    aRole('front', { verbs: ['get', 'list'], kinds: ['Service'], selector: { matchLabels: { tier: 'front' } } }),
    aBinding('front', 'front', 'front'),
    aBinding('routes', 'routes', 'routes'),
    aRole('routes', { verbs: ['get', 'list'], kinds: ['HTTPRoute'] }),
  );
  const { signals } = api.store;
  const harvests = harvestStore({ signals, metrics: silentMetrics });
  const instances = times.flatMap((at) => [
    instance(at, 'shop/orders/orders-1', 'shop/orders/http'),
    instance(at, 'bank/vault/vault-1', 'bank/vault/http'),
  ]);
  const failures = [
    failure(NOW - 3_000),
    failure(NOW - 2_000, { caller: 'bank/teller', callerInstance: 'bank/teller/t-1', outcome: 'timeout' }),
    failure(NOW - 1_000, { caller: 'bank/teller', callee: 'bank/vault/http', route: '' }),
    failure(NOW - 4_000, { callee: 'bank/vault/http', instance: 'bank/vault/vault-1', route: '' }),
    failure(NOW - 5_000, { caller: '', callerInstance: '' }),
  ];
  const zones = times.map((at) => zone(at, 'shop/orders/http'));
  await harvests.write({ mesh: 'default', source: 'a', edges, instances, zones, failures });
  await api.store.plaintext.report([
    { mesh: 'default', node: 'default/shop/orders/orders-1', port: 'http', requests: 4 },
  ]);
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

const from = new Date(NOW - 3 * MINUTE).toISOString();
const until = new Date(NOW).toISOString();
const get = async (path: string, caller = admin) => {
  const answer = await caller.call('GET', `telemetry/${path}${path.includes('?') ? '&' : '?'}from=${from}&to=${until}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
};

describe('golden signals', () => {
  it('are told of each service, the busiest first, with the time that they are of', async () => {
    const { items, more, hidden, incomplete, from: begin, to } = await get('services');
    expect({ more, hidden, incomplete }).toEqual({ more: 0, hidden: 0, incomplete: false });
    const seconds = (Date.parse(to) - Date.parse(begin)) / 1000;
    expect([seconds, to]).toEqual([180, until]);
    expect(items.map(({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`)).toEqual([
      'shop/orders',
      'bank/vault',
    ]);
    const [orders] = items;
    expect(orders).toMatchObject({
      count: 18 * 121,
      failures: 180,
      failureShare: 10 / 121,
      rate: (18 * 121) / seconds,
    });
    expect(orders.outcomes).toEqual([
      { outcome: 'ok', count: 18 * 111 },
      { outcome: 'reset', count: 180 },
    ]);
    expect(orders.attemptsPerRequest).toBeCloseTo(141 / 121);
    expect(orders.latency.p50).toBeCloseTo(20, 0);
    expect(orders.latency.p99).toBeCloseTo(400, -1);
    const sorted = await get('services?sort=latency&limit=1');
    expect([sorted.items.length, sorted.more, sorted.items[0].name]).toEqual([1, 1, 'orders']);
  });

  it('are told of one service over time, by route, caller and instance', async () => {
    const body = await get('services/shop/orders');
    expect(body.total).toMatchObject({ count: 18 * 121, failures: 180 });
    expect(body.chart.stepMs).toBe(10_000);
    expect(body.chart.points[0]).toMatchObject({ at: from, count: 121, rate: 12.1, failures: 10 });
    expect(body.routes).toMatchObject([
      { route: 'HTTPRoute/shop/orders/0', subset: '', count: 18 * 91 },
      { route: 'HTTPRoute/shop/orders/1', subset: 'green', count: 18 * 30 },
    ]);
    expect(body.callers.map(({ caller, count }: { caller: string; count: number }) => [caller, count])).toEqual([
      ['shop/web', 1800],
      ['bank/teller', 360],
      ['', 18],
    ]);
    expect(body.instances).toMatchObject([{ instance: 'shop/orders/orders-1', version: 'v1', count: 18 * 60 }]);
    const minutes = await get('services/shop/orders?step=1m');
    expect(minutes.chart.stepMs).toBe(60_000);
    const nothing = await get('services/shop/web');
    expect(nothing).toMatchObject({ total: { count: 0 }, routes: [], callers: [], instances: [] });
  });

  it('are told of edges, instances and pairs of zones', async () => {
    const { items } = await get('edges?caller=shop/web');
    expect(items).toMatchObject([
      { caller: 'shop/web', callee: 'shop/orders', failure: 'reset', failureShare: 0.1 },
      { caller: 'shop/web', callee: 'bank/vault', failures: 0 },
    ]);
    expect((await get('instances?namespace=bank&service=vault')).items).toMatchObject([
      { instance: 'bank/vault/vault-1', service: 'bank/vault', count: 18 * 60 },
    ]);
    expect((await get('zones')).items).toMatchObject([{ callerZone: 'a', calleeZone: 'b', count: 18 * 40 }]);
  });

  it('are told of one edge over time and by route, those that fail first', async () => {
    const body = await get('edges/shop/orders?caller=shop/web');
    expect(body).toMatchObject({
      caller: 'shop/web',
      callee: 'shop/orders',
      from,
      to: until,
      incomplete: false,
      more: 0,
    });
    expect(body.total).toMatchObject({ count: 1800, failures: 180, failureShare: 0.1, rate: 10 });
    expect(body.total.attemptsPerRequest).toBeCloseTo(1.2);
    expect(body.chart.points[0]).toMatchObject({ at: from, count: 100, failures: 10 });
    expect(body.chart.points).toHaveLength(18);
    expect(
      body.routes.map(({ route, subset, count, failures }: Record<string, unknown>) => [
        route,
        subset,
        count,
        failures,
      ]),
    ).toEqual([
      ['HTTPRoute/shop/orders/0', '', 18 * 70, 180],
      ['HTTPRoute/shop/orders/1', 'green', 18 * 30, 0],
    ]);
    expect(body.routes[0].outcomes).toEqual([
      { outcome: 'ok', count: 18 * 60 },
      { outcome: 'reset', count: 180 },
    ]);
    expect(body.routes[1].latency.p50).toBeCloseTo(70, -1);
    const nobody = await get('edges/shop/orders?caller=');
    expect(nobody).toMatchObject({ caller: '', total: { count: 18 }, routes: [{ count: 18 }] });
    const nothing = await get('edges/shop/web?caller=shop/orders');
    expect(nothing).toMatchObject({ total: { count: 0, failures: 0 }, routes: [], more: 0 });
    expect((await get('edges/shop/orders?caller=shop/web&step=1m')).chart.stepMs).toBe(MINUTE);
  });

  it('stay what they were when they are rolled up, and say when something is missing', async () => {
    const before = await get('services/shop/orders');
    const job = new SignalRollUp({
      ...{ store: api.store, replica: 'a', clock: systemClock, log: silentLog, metrics: silentMetrics },
    });
    await job.tick();
    const { tiers } = await api.store.signals.times('default');
    expect(tiers[1]?.until).toBeGreaterThan(NOW - 2 * MINUTE);
    const after = await get('services/shop/orders');
    for (const part of ['total', 'routes', 'callers', 'instances']) expect(after[part], part).toEqual(before[part]);
    const harvests = harvestStore({ signals: api.store.signals, metrics: silentMetrics });
    const dropped = edge(NOW - 30_000, 'shop/web', 'shop/orders/http', { complete: false });
    await harvests.write({ mesh: 'default', source: 'b', edges: [dropped], instances: [], zones: [], failures: [] });
    await job.tick();
    const { incomplete, chart, total } = await get('services/shop/orders');
    expect([incomplete, total.count]).toEqual([true, 18 * 121 + 90]);
    const point = chart.points.find(({ at }: { at: string }) => at === new Date(NOW - 30_000).toISOString());
    expect(point).toMatchObject({ incomplete: true, count: 121 + 90 });
    await harvests.write({
      ...{ mesh: 'default', source: 'b', instances: [], zones: [], failures: [] },
      edges: [{ ...dropped, complete: true, requests: 0, attempts: 0, latencies: sketch() }],
    });
    await job.tick();
  });
});

describe('the map', () => {
  it('shows who calls whom, who answers for what, and where plaintext is seen', async () => {
    const { nodes, edges: drawn, serves, hidden } = await get('map');
    expect(hidden).toBe(0);
    expect(nodes.map(({ kind, id }: { kind: string; id: string }) => `${kind} ${id}`)).toEqual([
      'service bank/vault',
      'service shop/orders',
      'workload ',
      'workload bank/teller',
      'workload bank/vault',
      'workload shop/orders',
      'workload shop/web',
    ]);
    expect(
      nodes.find(({ id, kind }: { id: string; kind: string }) => kind === 'workload' && id === 'shop/orders'),
    ).toEqual({
      kind: 'workload',
      id: 'shop/orders',
      plaintext: 4,
    });
    expect(drawn).toHaveLength(5);
    expect(drawn[0]).toMatchObject({ caller: 'shop/web', callee: 'shop/orders', failure: 'reset' });
    expect(drawn.find(({ caller }: { caller: string }) => caller === '')).toMatchObject({ plaintext: true });
    expect(serves).toEqual([
      { service: 'bank/vault', workload: 'bank/vault' },
      { service: 'shop/orders', workload: 'shop/orders' },
    ]);
    expect((await get('map?limit=1')).more).toBe(4);
  });
});

describe('SEC-34 what a reader may not see', () => {
  it('is left out and counted, or summed up without a name', async () => {
    const shop = await Caller.of(api, 'of-shop', 'shop');
    const services = await get('services', shop);
    expect([services.items.map(({ name }: { name: string }) => name), services.hidden]).toEqual([['orders'], 1]);
    const { items, hidden } = await get('edges', shop);
    expect(items.map(({ caller, callee, others }: Record<string, unknown>) => [caller, callee, others])).toEqual([
      ['shop/web', 'shop/orders', undefined],
      ['others', 'shop/orders', 1],
      ['shop/web', 'others', 1],
      ['', 'shop/orders', undefined],
    ]);
    expect(hidden).toBe(1);
    const map = await get('map', shop);
    expect(JSON.stringify(map)).not.toContain('bank');
    expect(JSON.stringify(await get('services/shop/orders', shop))).not.toContain('bank');
    expect(JSON.stringify(await get('instances', shop))).not.toContain('bank');
    expect((await shop.call('GET', 'telemetry/services/bank/vault')).status).toBe(403);
    expect(JSON.stringify(await get('edges/shop/orders?caller=shop/web', shop))).not.toContain('bank');
    expect((await shop.call('GET', 'telemetry/edges/bank/vault?caller=shop/web')).status).toBe(403);
    expect((await shop.call('GET', 'telemetry/edges/shop/orders?caller=bank/teller')).status).toBe(404);
    for (const path of ['services?namespace=bank', 'edges?namespace=bank', 'instances?namespace=bank&service=vault'])
      expect(await get(path, shop), path).toMatchObject({ items: [], more: 0, hidden: 0 });
    expect(await get('map?namespace=bank', shop)).toMatchObject({ nodes: [], edges: [], serves: [], hidden: 0 });
  });

  it('is not found in failures either, nor by asking for it', async () => {
    const shop = await Caller.of(api, 'of-shop-too', 'shop');
    const { items } = await get('failures', shop);
    expect(items.map(({ caller, callee, instance: at }: Record<string, unknown>) => [caller, callee, at])).toEqual([
      ['others', 'shop/orders/http', 'shop/orders/orders-1'],
      ['shop/web', 'shop/orders/http', 'shop/orders/orders-1'],
      ['shop/web', 'others', ''],
      ['', 'shop/orders/http', 'shop/orders/orders-1'],
    ]);
    expect((await get('failures?caller=bank/teller', shop)).items).toEqual([]);
    expect((await get('failures?callee=bank/vault', shop)).items).toEqual([]);
    expect((await get('failures?instance=bank/vault/vault-1', shop)).items).toEqual([]);
    expect((await get('failures?route=', shop)).items).toEqual([]);
    expect((await get('failures?caller=', shop)).items).toMatchObject([{ requestId: 'r--5000' }]);
  });

  it('follows the labels of services, and needs the right to read services at all', async () => {
    const front = await Caller.of(api, 'of-front', 'front');
    expect((await get('services', front)).items.map(({ name }: { name: string }) => name)).toEqual(['orders']);
    for (const caller of ['', 'shop/web'])
      expect((await front.call('GET', `telemetry/edges/shop/web?caller=${caller}`)).status, caller).toBe(404);
    const routes = await Caller.of(api, 'of-routes', 'routes');
    expect(refusal(await routes.call('GET', 'telemetry/map'))).toEqual([403, 'get Service']);
  });
});

describe('failures', () => {
  it('are searched, newest first, page by page', async () => {
    const ids = ({ items }: { items: readonly { requestId: string }[] }): string[] =>
      items.map(({ requestId }) => requestId);
    const first = await get('failures?limit=3');
    expect(ids(first)).toEqual(['r--1000', 'r--2000', 'r--3000']);
    const second = await get(`failures?limit=3&cursor=${first.cursor}`);
    expect([ids(second), second.cursor]).toEqual([['r--4000', 'r--5000'], undefined]);
    expect(first.items[2]).toEqual({ ...failure(NOW - 3_000), at: new Date(NOW - 3_000).toISOString() });
    expect(ids(await get('failures?outcome=timeout'))).toEqual(['r--2000']);
    expect(ids(await get('failures?callee=bank'))).toEqual(['r--1000', 'r--4000']);
    expect(ids(await get('failures?requestId=r--4000'))).toEqual(['r--4000']);
    expect(ids(await get('failures?route='))).toEqual(['r--1000', 'r--4000']);
    expect(ids(await get('failures?caller='))).toEqual(['r--5000']);
    expect(ids(await get('failures?status=503&flag=UC&path=script&caller=shop/web'))).toEqual(['r--3000', 'r--4000']);
    for (const none of ['status=504', 'flag=U', 'path=nowhere'])
      expect(ids(await get(`failures?${none}`)), none).toEqual([]);
  });
});

describe('a chart', () => {
  const counts = ({ points }: { points: readonly { count: number }[] }): number[] => points.map(({ count }) => count);

  it('is of all services, of one, or of what one caller asks of it', async () => {
    const all = await get('chart');
    expect([all.from, all.to, all.stepMs, counts(all)]).toEqual([from, until, BUCKET, Array(18).fill(133)]);
    expect(new Set(counts(await get('chart?namespace=shop&service=orders')))).toEqual(new Set([121]));
    const pair = await get('chart?namespace=shop&service=orders&caller=shop/web');
    expect(pair.points[0]).toMatchObject({ at: from, count: 100, failures: 10, failureShare: 0.1 });
    expect(new Set(counts(await get('chart?namespace=shop&service=orders&caller=')))).toEqual(new Set([1]));
    expect((await get('chart?step=1m')).stepMs).toBe(MINUTE);
  });

  it('SEC-34 is of what the reader may see, and of what he may not there is none', async () => {
    const shop = await Caller.of(api, 'of-shop-chart', 'shop');
    expect(new Set(counts(await get('chart', shop)))).toEqual(new Set([121]));
    for (const path of ['namespace=bank&service=vault', 'namespace=shop&service=orders&caller=bank/teller'])
      expect((await shop.call('GET', `telemetry/chart?${path}`)).status, path).toBe(404);
    expect(new Set(counts(await get('chart?namespace=bank', shop)))).toEqual(new Set([0]));
  });
});

describe('what is asked wrongly', () => {
  it.each([
    ['services?since=5', '/since', 'a number with its unit'],
    ['services?since=900d', '/since', 'at most 400 days'],
    ['services?limit=0', '/limit', ''],
    ['services?sort=name', '/sort', ''],
    ['services?from=yesterday', '/from', 'a time such as'],
    ['services?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', '/to', 'the end lies after'],
    ['services?from=2026-01-02T00:00:00Z&since=1h', '/since', 'not both'],
    ['edges?service=orders', '/namespace', 'give the namespace'],
    ['edges?caller=web', '/caller', 'as namespace/name'],
    ['edges/shop/orders', '/caller', 'empty = who has no identity'],
    ['edges/shop/orders?caller=web', '/caller', 'empty = who has no identity'],
    ['edges/shop/orders?caller=shop/web&namespace=shop', '/namespace', 'no such field'],
    ['failures?outcome=bad', '/outcome', ''],
    ['failures?cursor=*', '/cursor', 'pass on the cursor'],
    ['failures?status=5xx', '/status', 'an HTTP status'],
    ['chart?namespace=shop&caller=shop/web', '/service', 'give the service'],
    ['chart?service=orders&namespace=shop&caller=web', '/caller', ''],
    ['map?who=me', '/who', 'no such field'],
  ])('%s is told where and why', async (path, where, why) => {
    const { status, body } = await admin.call('GET', `telemetry/${path}`);
    expect([status, body.violations[0].path]).toEqual([400, where]);
    expect(body.violations[0].message).toContain(why);
  });

  it('is not found where there is no such mesh', async () => {
    expect((await admin.call('GET', '/api/v1/meshes/nowhere/telemetry/map')).status).toBe(404);
  });
});

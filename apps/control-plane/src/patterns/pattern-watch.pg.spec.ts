import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import type { ObservedService } from '#libs/patterns';
import { openStore, type Store, StoreUnavailable } from '#libs/store';
import { type EdgeCell, harvestStore, type InstanceCell, LatencySketch } from '#libs/telemetry';
import { createTestDatabase, type TestDatabase } from '../../../../libs/testing/src/postgres/index.js';
import { patternReader } from './index.js';
import { PatternWatch, type PatternWatchOptions } from './pattern-watch.js';

const BUCKET_MS = 10_000;
const CALLEE = 'shop/orders/8080';
const NAMES = ['orders-1', 'orders-2', 'orders-3'];

let database: TestDatabase;
let store: Store;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'one' });
  for (const mesh of ['default', 'broken']) await fourMinutes(mesh);
}, 60_000);
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

const took = (): LatencySketch => {
  const sketch = new LatencySketch();
  for (let i = 0; i < 20; i++) sketch.add(8 + (i % 5));
  return sketch;
};

/** Three instances with even traffic; in the last minute one of them fails most of what it is sent, and retries make it good. */
async function fourMinutes(mesh: string): Promise<void> {
  const harvests = harvestStore({ signals: store.signals, metrics: silentMetrics });
  const newest = Math.floor(Date.now() / BUCKET_MS) * BUCKET_MS;
  for (let back = 24; back >= 1; back--) {
    const bucket = { at: newest - back * BUCKET_MS, lengthMs: BUCKET_MS, complete: true };
    const bad = back <= 6 ? 80 : 0;
    const edge = { ...bucket, caller: 'shop/web', callee: CALLEE, subset: '', route: 'Service/shop/orders/default' };
    const edges: EdgeCell[] = [
      { ...edge, outcome: 'ok', status: 200, requests: 300, attempts: 300 + bad, latencies: took() },
      ...(bad > 0
        ? [{ ...edge, outcome: 'reset' as const, status: 503, requests: 20, attempts: bad, latencies: took() }]
        : []),
    ];
    const instances = NAMES.flatMap((name): InstanceCell[] => {
      const failed = name === 'orders-2' ? bad : 0;
      const of = { ...bucket, callee: CALLEE, instance: `shop/orders/${name}`, version: 'v1', zone: '' };
      return [
        { ...of, outcome: 'ok', attempts: 100 - failed, latencies: took() },
        ...(failed > 0 ? [{ ...of, outcome: 'reset' as const, attempts: failed, latencies: took() }] : []),
      ];
    });
    await harvests.write({ mesh, source: 'collector', edges, instances, zones: [], failures: [] });
  }
}

const services: readonly ObservedService[] = [
  {
    ...{ callee: CALLEE, workloads: ['shop/orders'] },
    instances: NAMES.map((name) => ({ instance: `shop/orders/${name}`, version: 'v1', zone: '' })),
  },
];

function watch(holder: string, options: Partial<PatternWatchOptions> = {}): () => Promise<void> {
  const stop = new PatternWatch({
    ...{ store, holder, meshes: () => ['default'], services: () => services },
    ...{ clock: systemClock, log: silentLog, metrics: silentMetrics },
    ...options,
  }).start();
  stops.push(stop);
  return stop;
}

const found = () => patternReader(store).list('default', 0);

it('names what is stored of the traffic, and another replica goes on with it', { timeout: 60_000 }, async () => {
  const stop = watch('one');
  await expect.poll(found, { timeout: 30_000, interval: 250 }).toMatchObject([
    {
      state: 'active',
      pattern: { name: 'bad_host', scope: { callees: [CALLEE], instances: ['shop/orders/orders-2'] } },
    },
  ]);
  const [first] = await found();
  await stop();
  const { at } = await store.patterns.state('default');
  watch('two');
  await expect.poll(async () => (await store.patterns.state('default')).at, { timeout: 30_000 }).toBeGreaterThan(at);
  expect((await found()).map(({ id, since }) => [id, since])).toEqual([[first?.id, first?.since]]);
});

it('one of two does the work, and gives it back when it stops', { timeout: 60_000 }, async () => {
  const one = watch('one');
  await expect.poll(() => store.leases.take('failure-patterns', 'nobody', 1), { timeout: 20_000 }).toBeUndefined();
  await one();
  const lease = await store.leases.take('failure-patterns', 'two', 1_000);
  expect(lease?.holder).toBe('two');
});

it('what goes wrong in one mesh keeps no other from being looked at', { timeout: 60_000 }, async () => {
  const { at } = await store.patterns.state('default');
  const failed: unknown[] = [];
  const between: Store['timeline']['between'] = (mesh, from, to) =>
    mesh === 'broken' ? Promise.reject(new StoreUnavailable('too slow')) : store.timeline.between(mesh, from, to);
  watch('three', {
    store: { signals: store.signals, patterns: store.patterns, leases: store.leases, timeline: { between } },
    meshes: () => ['broken', 'default'],
    log: { ...silentLog, error: (_text, values) => void failed.push(values?.['mesh']) },
  });
  await expect.poll(async () => (await store.patterns.state('default')).at, { timeout: 30_000 }).toBeGreaterThan(at);
  expect(new Set(failed)).toEqual(new Set(['broken']));
});

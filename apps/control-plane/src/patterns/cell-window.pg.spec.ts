import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentMetrics } from '#libs/kernel';
import { openStore, type Store } from '#libs/store';
import { type EdgeCell, harvestStore, LatencySketch } from '#libs/telemetry';
import { createTestDatabase, type TestDatabase } from '../../../../libs/testing/src/postgres/index.js';
import { CellWindow } from './cell-window.js';

const BUCKET_MS = 10_000;
const BUCKETS = 24;
const EDGES_OF_A_BUCKET = 10;
const ALL = Number.POSITIVE_INFINITY;

let database: TestDatabase;
let store: Store;
let newest: number;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'one' });
  newest = Math.floor(Date.now() / BUCKET_MS) * BUCKET_MS;
  for (let back = BUCKETS; back >= 1; back--) await write(newest - back * BUCKET_MS, 'collector');
}, 60_000);
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

async function write(at: number, source: string): Promise<void> {
  const latencies = new LatencySketch();
  latencies.add(8);
  const edges = Array.from(
    { length: EDGES_OF_A_BUCKET },
    (_, i): EdgeCell => ({
      ...{ at, lengthMs: BUCKET_MS, complete: true, caller: `shop/web-${i}`, callee: 'shop/orders/8080', subset: '' },
      ...{ route: 'Service/shop/orders/default', outcome: 'ok', status: 200, requests: 3, attempts: 3, latencies },
    }),
  );
  const harvests = harvestStore({ signals: store.signals, metrics: silentMetrics });
  await harvests.write({ mesh: 'default', source, edges, instances: [], zones: [], failures: [] });
}

const openWindow = (): CellWindow =>
  new CellWindow({ signals: store.signals, mesh: 'default', metrics: silentMetrics });

const spanTo = (to: number) => ({ lengthMs: BUCKET_MS, from: to - BUCKETS * BUCKET_MS, to });

/** Of each bucket with cells how long before `newest` it begins, in buckets, and how many cells it has. */
function seen(edges: readonly EdgeCell[]): readonly (readonly [back: number, cells: number])[] {
  const byBucket = Map.groupBy(edges, ({ at }) => (newest - at) / BUCKET_MS);
  return [...byBucket].map(([back, cells]) => [back, cells.length] as const);
}

const from = (back: number, to = 1) =>
  Array.from({ length: back - to + 1 }, (_, i) => [back - i, EDGES_OF_A_BUCKET] as const);

describe('CellWindow', () => {
  it('has every cell of the span, and knows what they take', async () => {
    const window = openWindow();
    const { buckets, edges } = await window.moveTo(spanTo(newest), ALL);
    expect([buckets, seen(edges)]).toEqual([BUCKETS, from(BUCKETS)]);
    expect(window.bytes).toBeGreaterThan(BUCKETS * EDGES_OF_A_BUCKET * 200);
  });

  it('moves on, and reads the newest anew for what comes late', async () => {
    const window = openWindow();
    await window.moveTo(spanTo(newest - 5 * BUCKET_MS), ALL);
    await write(newest - 6 * BUCKET_MS, 'another-collector');
    const { edges } = await window.moveTo(spanTo(newest), ALL);
    expect(seen(edges)).toEqual(
      from(BUCKETS).map(([back, cells]) => [back, back === 6 ? 2 * EDGES_OF_A_BUCKET : cells]),
    );
  });

  it('has the newest of what there is no room for, without a gap', async () => {
    const all = openWindow();
    await all.moveTo(spanTo(newest), ALL);
    const half = all.bytes / 2;
    const window = openWindow();
    const { buckets, edges } = await window.moveTo(spanTo(newest), half);
    expect(window.bytes).toBeLessThanOrEqual(half);
    expect(buckets).toBeGreaterThan(BUCKETS / 3);
    expect(seen(edges).map(([back]) => back)).toEqual(from(buckets).map(([back]) => back));
  });

  it('comes to have less when it is told so, and more again as time goes on', async () => {
    const window = openWindow();
    await window.moveTo(spanTo(newest - 6 * BUCKET_MS), ALL);
    expect((await window.moveTo(spanTo(newest - 2 * BUCKET_MS), 1)).buckets).toBe(1);
    const { buckets, edges } = await window.moveTo(spanTo(newest), ALL);
    expect([buckets, seen(edges).map(([back]) => back)]).toEqual([5, [5, 4, 3, 2, 1]]);
  });

  it('has buckets in which nothing was counted', async () => {
    const { buckets, edges } = await openWindow().moveTo(spanTo(newest - 50 * BUCKET_MS), 1_000);
    expect([buckets, edges]).toEqual([BUCKETS, []]);
  });
});

import { describe, expect, it } from 'vitest';
import { silentMetrics } from '#libs/kernel';
import type { SignalRow, SignalView } from '#libs/store';
import { type EdgeCell, type Harvest, type InstanceCell, LatencySketch, type ZoneCell } from '../model/index.js';
import { edgeCells, instanceCells, zoneCells } from './cells.js';
import { partsOf } from './harvest-store.js';

const sketch = (...values: readonly number[]): LatencySketch => {
  const made = new LatencySketch();
  for (const value of values) made.add(value);
  return made;
};

const bucket = { at: 1_000_000, lengthMs: 10_000, complete: true };
const edge: EdgeCell = {
  ...{ ...bucket, caller: 'shop/web', callee: 'shop/orders/8080', subset: 'green', route: 'HTTPRoute/shop/orders/0' },
  ...{ outcome: 'timeout', status: 504, requests: 2, attempts: 5.25, latencies: sketch(10, 200) },
};
const instance: InstanceCell = {
  ...{ ...bucket, callee: 'shop/orders/8080', instance: 'shop/orders/orders-1', version: 'green', zone: 'a' },
  ...{ outcome: 'ok', attempts: 7, latencies: sketch(10) },
};
const zone: ZoneCell = {
  ...{ ...bucket, callerZone: 'a', calleeZone: 'b', callee: 'shop/orders/8080' },
  ...{ outcome: 'refused', attempts: 1, latencies: sketch() },
};
const harvest: Harvest = {
  ...{ mesh: 'm', source: 's', edges: [edge], instances: [instance], zones: [zone], failures: [] },
};

const rowsOf = (view: SignalView): readonly SignalRow[] =>
  partsOf(harvest).flatMap(({ at, pages }) =>
    pages.filter((page) => page.view === view).map(({ shelf, cells }) => ({ at, shelf, cells })),
  );

const buckets = (view: SignalView, incomplete: readonly number[] = []) => ({
  ...{ lengthMs: 10_000, rows: rowsOf(view), incomplete: new Set(incomplete), metrics: silentMetrics },
});

describe('cells from the store', () => {
  it('are those that were left there', () => {
    const [read] = edgeCells(buckets('edge'));
    expect(read).toEqual({ ...edge, latencies: expect.anything() as unknown });
    expect(read?.latencies.toBytes()).toEqual(edge.latencies.toBytes());
    expect(instanceCells(buckets('instance'))).toEqual([{ ...instance, latencies: expect.anything() as unknown }]);
    expect(zoneCells(buckets('zone'))).toEqual([{ ...zone, latencies: expect.anything() as unknown }]);
  });

  it('keep latencies of instances within 8 %', () => {
    const [read] = instanceCells(buckets('instance'));
    expect(read?.latencies.count).toBe(1);
    expect(Math.abs((read?.latencies.quantile(0.5) ?? 0) - 10)).toBeLessThan(0.8);
  });

  it('say that something of their bucket was dropped', () => {
    expect(edgeCells(buckets('edge', [bucket.at])).map(({ complete }) => complete)).toEqual([false]);
  });

  it('leave out, and count, a page that cannot be read, and have the others', () => {
    const counted: string[] = [];
    const metrics = { ...silentMetrics, count: (name: string) => void counted.push(name) };
    const bad = { at: bucket.at, shelf: 'shop/other/80', cells: Buffer.from([99, 2, 3]) };
    const rows = [bad, ...rowsOf('edge')];
    expect(edgeCells({ lengthMs: 10_000, rows, incomplete: new Set(), metrics })).toHaveLength(1);
    expect(counted).toEqual(['heddle_telemetry_unreadable_total']);
  });
});

import { describe, expect, it } from 'vitest';
import type { SignalQuestion } from '#libs/alerts';
import { silentMetrics } from '#libs/kernel';
import type { SignalQuery, SignalRow, SignalTimes } from '#libs/store';
import { type EdgeCell, type Harvest, type InstanceCell, LatencySketch, partsOf } from '#libs/telemetry';
import { AlertSignals } from './alert-signals.js';

const NOW = 1_800_000_000_000;
const bucket = { at: NOW - 60_000, lengthMs: 10_000, complete: true };

const took = (ms: number): LatencySketch => {
  const sketch = new LatencySketch();
  sketch.add(ms);
  return sketch;
};
const edge = (more: Partial<EdgeCell>): EdgeCell => ({
  ...{ ...bucket, caller: 'shop/web', callee: 'shop/orders/8080', subset: '', route: 'HTTPRoute/shop/orders/0' },
  ...{ outcome: 'ok', status: 200, requests: 10, attempts: 10, latencies: took(20) },
  ...more,
});
const instance = (name: string, outcome: InstanceCell['outcome']): InstanceCell => ({
  ...{ ...bucket, callee: 'shop/orders/8080', instance: `shop/orders/${name}`, version: '', zone: '' },
  ...{ outcome, attempts: 5, latencies: took(20) },
});

const harvest: Harvest = {
  ...{ mesh: 'm', source: 's', zones: [], failures: [] },
  edges: [
    edge({}),
    edge({ outcome: 'timeout', status: 504, requests: 2, attempts: 6, latencies: took(900) }),
    edge({ caller: 'shop/api', route: 'HTTPRoute/shop/orders/1', requests: 4, attempts: 4 }),
    edge({ callee: 'data/db/5432', route: '', requests: 1, attempts: 1 }),
  ],
  instances: [instance('orders-1', 'ok'), instance('orders-2', 'refused')],
};

const times: SignalTimes = {
  ...{ now: NOW, newest: NOW - 10_000 },
  tiers: [{ lengthMs: 10_000, keptFrom: NOW - 3_600_000, until: Number.POSITIVE_INFINITY }],
};

/** A store of one harvest. */
function signals(incomplete: readonly number[] = []) {
  const reads: string[] = [];
  const parts = partsOf(harvest);
  const store = {
    times: async () => times,
    read: async ({ view }: SignalQuery): Promise<readonly SignalRow[]> => {
      reads.push(view);
      return parts.flatMap(({ at, pages }) =>
        pages.filter((page) => page.view === view).map(({ shelf, cells }) => ({ at, shelf, cells })),
      );
    },
    incomplete: async () => incomplete,
  };
  return { source: new AlertSignals(store, silentMetrics), reads };
}

const ALL = {
  ...{ namespace: undefined, service: undefined, port: undefined },
  ...{ route: undefined, caller: undefined, instance: undefined },
};
const ask = (more: Partial<SignalQuestion>): SignalQuestion => ({
  ...{ mesh: 'm', traffic: ALL, what: 'requests', by: 'None', from: NOW - 300_000, to: NOW, latencies: true },
  ...more,
});
const orders = { ...ALL, namespace: 'shop', service: 'orders' };

describe('the traffic of alerts', () => {
  it.each<[string, Partial<SignalQuestion>, readonly (readonly [string, number, number])[]]>([
    ['everything', {}, [['', 15, 2]]],
    ['one service', { traffic: orders }, [['', 14, 2]]],
    [
      'by service',
      { by: 'Service' },
      [
        ['shop/orders/8080', 14, 2],
        ['data/db/5432', 1, 0],
      ],
    ],
    [
      'by caller',
      { by: 'Edge', traffic: orders },
      [
        ['shop/orders/8080 shop/web', 10, 2],
        ['shop/orders/8080 shop/api', 4, 0],
      ],
    ],
    [
      'one rule of a route',
      { traffic: { ...ALL, route: { kind: 'HTTPRoute', namespace: 'shop', name: 'orders', rule: '1' } } },
      [['', 4, 0]],
    ],
    [
      'a whole route',
      { traffic: { ...ALL, route: { kind: 'HTTPRoute', namespace: 'shop', name: 'orders', rule: '' } } },
      [['', 14, 2]],
    ],
    ['nothing of that name', { traffic: { ...ALL, namespace: 'labs' } }, []],
  ])('%s', async (_, more, groups) => {
    const [reading] = await signals().source.read([ask(more)]);
    const told = (reading?.groups ?? []).map(({ key, outcomes }) => [
      [key.callee, key.caller].filter(Boolean).join(' '),
      outcomes.get('ok') ?? 0,
      outcomes.get('timeout') ?? 0,
    ]);
    expect(told).toEqual(groups);
  });

  it('counts attempts by instance, found by the last part of its name', async () => {
    const traffic = { ...orders, instance: 'orders-2' };
    const [reading] = await signals().source.read([ask({ what: 'attempts', by: 'Instance', traffic })]);
    expect(reading?.groups.map(({ key, outcomes, attempts }) => [key.instance, [...outcomes], attempts])).toEqual([
      ['shop/orders/orders-2', [['refused', 5]], 5],
    ]);
  });

  it('tells how long what succeeded took, and how many attempts it needed', async () => {
    const [reading] = await signals().source.read([ask({ traffic: orders })]);
    const [group] = reading?.groups ?? [];
    expect(group?.attempts).toBe(20);
    expect(group?.latencies.count).toBe(2);
    expect(Math.abs((group?.latencies.quantile(1) ?? 0) - 20)).toBeLessThan(1);
  });

  it('reads once what several questions need', async () => {
    const { source, reads } = signals();
    await source.read([ask({}), ask({ by: 'Service' }), ask({ traffic: orders }), ask({ what: 'attempts' })]);
    expect(reads).toEqual(['service', 'instance']);
  });

  it('says what is missing: dropped buckets, and what lies before all that is kept', async () => {
    const [complete] = await signals().source.read([ask({})]);
    const [dropped] = await signals([bucket.at]).source.read([ask({})]);
    const [early] = await signals().source.read([ask({ from: NOW - 7_200_000 })]);
    expect(complete?.missingMs).toBe(0);
    expect(dropped?.missingMs).toBe(10_000);
    expect(early?.missingMs).toBeGreaterThanOrEqual(3_500_000);
  });
});

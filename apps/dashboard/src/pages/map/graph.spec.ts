import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MapEdge as SeenEdge, ServiceMap } from '../../api/signals';
import type { ServiceRow } from '../../api/views';
import { ANONYMOUS, fitted, type MapGraph, namespaceGraph, partOf, REST, serviceGraph, shapeOf } from './graph';
import { NODE, placesOf } from './places';

const row = (key: string, ...dependencies: string[]): ServiceRow => ({
  ...{ namespace: key.split('/')[0] ?? '', name: key.split('/')[1] ?? '', dependencies },
  ...{ ports: [], labels: {}, total: 2, ready: 1, revision: 1, updatedAt: '', mine: false },
});
const calls = (caller: string, callee: string, more: Partial<SeenEdge> = {}): SeenEdge => ({
  ...{ caller, callee, rate: 4, count: 40, failures: 4, failureShare: 0.1, outcomes: [] },
  ...{ latency: { p50: 1, p90: 2, p99: 3 }, ...more },
});
const seen = (edges: readonly SeenEdge[], serves: ServiceMap['serves'] = []): ServiceMap => ({
  ...{ from: '', to: '', incomplete: false, nodes: [], edges, serves, more: 0, hidden: 0 },
});
const keys = ({ nodes }: MapGraph): string[] => nodes.map(({ key }) => key).sort();

describe('the map', () => {
  const services = [row('shop/web', 'shop/orders', 'bank/pay'), row('shop/orders'), row('bank/pay', 'bank/none')];
  const whole = serviceGraph(services, undefined);

  it('draws what is named and not there, too', () => {
    expect(whole.nodes.filter(({ isMissing }) => isMissing).map(({ key }) => key)).toEqual(['bank/none']);
    expect(whole.edges).toHaveLength(3);
  });

  it('of one namespace has its neighbours, and no more', () => {
    expect(keys(partOf(whole, (key) => key.startsWith('shop/')))).toEqual(['bank/pay', 'shop/orders', 'shop/web']);
  });

  it('of namespaces sums up their services, and draws no arrow to itself', () => {
    const { nodes, edges } = namespaceGraph(whole);
    expect(nodes.map(({ key, total, ready }) => [key, total, ready])).toEqual([
      ['shop', 4, 2],
      ['bank', 2, 1],
    ]);
    expect(edges.map(({ from, to }) => [from, to])).toEqual([['shop', 'bank']]);
  });

  it('puts the traffic of workloads on the service that they answer for, and on what is declared', () => {
    const map = seen(
      [
        calls('shop/orders-blue', 'bank/pay'),
        calls('shop/orders-green', 'bank/pay', { rate: 2 }),
        calls('shop/cron', 'shop/web'),
      ],
      ['shop/orders-blue', 'shop/orders-green'].map((workload) => ({ service: 'shop/orders', workload })),
    );
    const { nodes, edges } = serviceGraph(services, map);
    expect(edges.find(({ from, to }) => from === 'shop/orders' && to === 'bank/pay')).toMatchObject({
      ...{ traffic: { rate: 6, count: 80, failures: 8, p99: 3 }, security: 'mtls', caller: undefined },
    });
    expect(edges.find(({ from }) => from === 'shop/web')?.traffic).toBeUndefined();
    expect(nodes.find(({ key }) => key === 'shop/cron')?.kind).toBe('workload');
  });

  it('shows who has no identity, and whether that is plaintext', () => {
    const { nodes, edges } = serviceGraph(
      services,
      seen([calls('', 'shop/web', { plaintext: true }), calls('', 'bank/pay')]),
    );
    expect(nodes.find(({ key }) => key === ANONYMOUS)?.kind).toBe('anonymous');
    expect(edges.filter(({ from }) => from === ANONYMOUS).map(({ security }) => security)).toEqual([
      'plaintext',
      'unknown',
    ]);
  });

  it('says how what is asked of a service fares, not of the workload of its name', () => {
    const signals = { rate: 4, count: 40, failures: 4, failureShare: 0.1, outcomes: [] };
    const nodes: ServiceMap['nodes'] = [
      { kind: 'service', id: 'shop/orders', signals },
      { kind: 'workload', id: 'shop/orders' },
    ];
    const graph = serviceGraph(services, { ...seen([]), nodes });
    expect(graph.nodes.find(({ key }) => key === 'shop/orders')?.traffic?.rate).toBe(4);
  });

  it('keeps its shape when only numbers change', () => {
    const of = (rate: number): string =>
      shapeOf(serviceGraph(services, seen([calls('shop/web', 'shop/orders', { rate })])));
    expect(of(1)).toBe(of(900));
  });
});

const mesh = fc
  .integer({ min: 1, max: 14 })
  .chain((count) =>
    fc.tuple(fc.constant(count), fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 30 })),
  )
  .map(([count, arrows]) => {
    const names = Array.from({ length: count }, (_, i) => `n/s${i}`);
    const rows = names.map((name, i) =>
      row(name, ...new Set(arrows.filter(([from]) => from === i).map(([, to]) => `n/s${to}`))),
    );
    return serviceGraph(rows, undefined);
  });

describe('whatever calls what', () => {
  it('no node lies over another', () => {
    fc.assert(
      fc.property(mesh, (graph) => {
        const places = [...placesOf(graph).values()];
        for (const [i, a] of places.entries())
          for (const b of places.slice(i + 1))
            expect(Math.abs(a.x - b.x) >= NODE.width || Math.abs(a.y - b.y) >= NODE.height).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('a service that many call is beside them, not below a column of them', () => {
    const callers = Array.from({ length: 60 }, (_, i) => row(`n/c${i}`, 'n/all'));
    const places = [...placesOf(serviceGraph([...callers, row('n/all')], undefined)).values()];
    const [wide, high] = (['x', 'y'] as const).map((of) => Math.max(...places.map((place) => place[of])));
    expect(high).toBeLessThan(wide ?? 0);
    expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(61);
  });

  it('no more is drawn than there is room for, every arrow has both its ends, and nothing is lost without a word', () => {
    fc.assert(
      fc.property(mesh, fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 8 }), (graph, nodes, edges) => {
        const drawn = fitted(graph, { nodes, edges });
        expect(drawn.nodes.length).toBeLessThanOrEqual(nodes);
        expect(drawn.edges.length).toBeLessThanOrEqual(edges);
        const there = new Set(keys(drawn));
        for (const { from, to } of drawn.edges) expect(there.has(from) && there.has(to)).toBe(true);
        const rest = drawn.nodes.find(({ key }) => key === REST)?.services ?? 0;
        expect(drawn.nodes.filter(({ key }) => key !== REST).length + rest).toBe(graph.nodes.length);
      }),
    );
  });
});

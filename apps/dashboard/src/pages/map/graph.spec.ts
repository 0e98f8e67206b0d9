import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServiceRow } from '../../api/views';
import { NODE, namespaceGraph, placesOf, serviceGraph } from './graph';

const row = (key: string, ...dependencies: string[]): ServiceRow => ({
  ...{ namespace: key.split('/')[0] ?? '', name: key.split('/')[1] ?? '', dependencies },
  ...{ ports: [], labels: {}, total: 2, ready: 1, revision: 1, updatedAt: '', mine: false },
});

describe('the map', () => {
  const services = [row('shop/web', 'shop/orders', 'bank/pay'), row('shop/orders'), row('bank/pay', 'bank/none')];

  it('draws what is named and not there, too', () => {
    const { nodes, edges } = serviceGraph(services, '');
    expect(nodes.filter(({ isMissing }) => isMissing).map(({ key }) => key)).toEqual(['bank/none']);
    expect(edges).toHaveLength(3);
  });

  it('of one namespace has its neighbours, and no more', () => {
    const { nodes } = serviceGraph(services, 'shop');
    expect(nodes.map(({ key }) => key).sort()).toEqual(['bank/pay', 'shop/orders', 'shop/web']);
  });

  it('of namespaces sums up their services, and draws no arrow to itself', () => {
    const { nodes, edges } = namespaceGraph(services);
    expect(nodes.map(({ key, total, ready }) => [key, total, ready])).toEqual([
      ['shop', 4, 2],
      ['bank', 2, 1],
    ]);
    expect(edges).toEqual([{ from: 'shop', to: 'bank' }]);
  });

  it('puts no node over another, whatever calls what', () => {
    const mesh = fc
      .integer({ min: 1, max: 14 })
      .chain((count) =>
        fc.tuple(fc.constant(count), fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 30 })),
      );
    fc.assert(
      fc.property(mesh, ([count, calls]) => {
        const names = Array.from({ length: count }, (_, i) => `n/s${i}`);
        const rows = names.map((name, i) =>
          row(name, ...new Set(calls.filter(([from]) => from === i).map(([, to]) => `n/s${to}`))),
        );
        const places = [...placesOf(serviceGraph(rows, '')).values()];
        for (const [i, a] of places.entries())
          for (const b of places.slice(i + 1))
            expect(Math.abs(a.x - b.x) >= NODE.width || Math.abs(a.y - b.y) >= NODE.height).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import {
  backend,
  grant,
  instance,
  mesh,
  policy,
  route,
  rule,
  service,
  TestMesh,
} from '../../../testing/src/builders/index.js';
import { isOwn, seenBy, subjectOf } from './seen.js';

/** A caller whose namespace has routes of its own for a service of another one, beside one who has none. */
function consumerMesh(): TestMesh {
  const at = new TestMesh();
  at.apply(
    { put: { type: 'Mesh', value: mesh() } },
    { put: { type: 'Service', value: service('shop/orders') } },
    { put: { type: 'Service', value: service('bank/web') } },
    { put: { type: 'ReferenceGrant', value: grant('shop', 'bank') } },
    {
      put: {
        type: 'Route',
        value: route('bank/mine', { parent: 'shop/orders', rules: [rule({ backends: [backend('shop/orders')] })] }),
      },
    },
    { put: { type: 'Policy', value: policy('Nothing', 'shop/x', { target: { name: 'orders' }, spec: {} }) } },
    { instance: instance('bank/web-0') },
    { instance: instance('shop/orders-0', { routable: false, features: [] }) },
  );
  return at;
}

describe('what a proxy sees', () => {
  it.each(['bank/web-0', 'shop/orders-0'])('is what was published for %s, connected or not', (name) => {
    const at = consumerMesh();
    const published = [...at.seen(name)].map(([key, { version }]) => [key, version]).sort();
    const seen = seenBy(at.graph.ctx, name).map(({ type, name: wire, version }) => [`${type} ${wire}`, version]);
    expect(seen.sort()).toEqual(published);
  });

  it('a later layer wins: callers of a namespace with routes of its own have these', () => {
    const at = consumerMesh();
    const tables = (name: string) =>
      seenBy(at.graph.ctx, name).flatMap(({ cell, name: wire }) =>
        wire === 'shop/orders' && cell.startsWith('routes') ? [cell] : [],
      );
    expect(tables('bank/web-0')).toEqual(['routes|shop/orders@bank']);
    expect(tables('shop/orders-0')).toEqual(['routes|shop/orders']);
  });

  it('is nothing for who is not registered', () => {
    expect(seenBy(consumerMesh().graph.ctx, 'shop/nobody')).toEqual([]);
  });

  it.each([
    ['routes|shop/orders@bank', 'Service', 'shop', 'orders', false],
    ['port-listener|127.100|shop/orders/8080', 'Service', 'shop', 'orders', false],
    ['inbound-listener|shop/orders-0/http', 'Proxy', 'shop', 'orders-0', true],
    ['outbound|bank/web-0', 'Proxy', 'bank', 'web-0', true],
  ])('%s is about %s %s/%s', (cell, kind, namespace, name, own) => {
    expect(subjectOf(consumerMesh().graph.ctx, cell)).toEqual({ kind, namespace, name });
    expect(isOwn(cell)).toBe(own);
  });
});

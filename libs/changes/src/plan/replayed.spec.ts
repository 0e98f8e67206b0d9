import { describe, expect, it } from 'vitest';
import type { DomainValue, ResourceId } from '#libs/model';
import * as build from '../../../testing/src/builders/index.js';
import { compare } from '../replay/compare.js';
import { routingConfigs } from '../replay/routing-config.js';
import type { SampleRequest } from '../replay/types.js';
import { replayed } from './replayed.js';

const get = (authority: string, path: string): SampleRequest => ({ method: 'GET', authority, path, headers: [] });
const REQUESTS = ['orders.shop', 'orders.shop:8080', 'orders', 'carts.shop', 'new.shop', 'x.example.com'].flatMap(
  (host) => ['/', '/v2/orders', '/v2/orders?x=1'].map((path) => get(host, path)),
);
const slice = () => ({ exhausted: () => true });

function mesh(): build.TestMesh {
  const made = new build.TestMesh();
  made.apply(
    build.aService('shop/orders'),
    build.aService('shop/carts', { hostnames: ['x.example.com'] }),
    build.aService('team/tool'),
    build.aGrant('shop', 'team'),
    ...['shop/web-1', 'shop/web-2', 'team/tool-1'].map((id) => build.anInstance(id)),
  );
  return made;
}

const v2 = (id: string, to: string): DomainValue => ({
  type: 'Route',
  value: build.route(id, {
    parent: 'shop/orders',
    rules: [
      build.rule({
        matches: [build.routeMatch({ path: { type: 'PathPrefix', value: '/v2' } })],
        backends: [build.backend(to)],
      }),
      build.rule({ backends: [build.backend('shop/orders')] }),
    ],
  }),
});

const CASES: readonly [string, readonly DomainValue[], readonly ResourceId[]][] = [
  ['a route for everybody', [v2('shop/v2', 'shop/carts')], []],
  ['a route of one namespace for itself', [v2('team/v2', 'shop/carts')], []],
  ['a service', [{ type: 'Service', value: build.service('shop/new') }], []],
  ['a deletion', [], [{ kind: 'Service', namespace: 'shop', name: 'carts' }]],
  [
    'a host that passes to another service',
    [
      { type: 'Service', value: build.service('shop/carts', { hostnames: [] }) },
      { type: 'Service', value: build.service('shop/orders', { hostnames: ['x.example.com'] }) },
    ],
    [],
  ],
  ['scoping of the mesh', [{ type: 'Mesh', value: build.mesh({ scoping: 'Declared' }) }], []],
];

describe('sample requests of a plan', () => {
  it.each(CASES)('%s: go where all that a proxy is sent says they go', async (_, puts, deletes) => {
    const made = mesh();
    const routes = made.graph.fork({ puts, deletes }).routes();
    const found = await replayed(routes, REQUESTS, slice);
    const config = (instance: string) => routingConfigs(made.seen(instance).values()).get('outbound');
    const instances = ['shop/web-1', 'team/tool-1'];
    const before = instances.map(config);
    made.apply(...puts.map((put) => ({ put })), ...deletes.map((one) => ({ delete: one })));
    const expected = new Set<string>();
    for (const [i, instance] of instances.entries()) {
      const [old, now] = [before[i], config(instance)];
      if (!old || !now) throw new Error('no listener');
      for (const group of compare(old, now, REQUESTS).groups)
        for (const at of group.requests) expected.add(`${instance.split('/')[0]} ${at} ${group.before} ${group.after}`);
    }
    const said = found.groups.flatMap(({ callers, requests, ...group }) =>
      callers.flatMap(({ namespace }) => requests.map((at) => `${namespace} ${at} ${group.before} ${group.after}`)),
    );
    expect(said.sort()).toEqual([...expected].sort());
    expect(said.length).toBeGreaterThan(0);
  });

  it('says how many proxies of which callers, and counts each request once', async () => {
    const fork = mesh().graph.fork({ puts: [v2('shop/v2', 'shop/carts')], deletes: [] });
    const found = await replayed(fork.routes(), [get('orders.shop', '/v2/x'), get('orders.shop', '/')], slice);
    expect(found).toMatchObject({ total: 2, skipped: 0, unsupported: [] });
    expect(found.groups[0]?.callers).toEqual([
      { namespace: 'shop', proxies: 2 },
      { namespace: 'team', proxies: 1 },
    ]);
    expect(found.groups.flatMap(({ requests }) => requests)).toContain(0);
  });
});

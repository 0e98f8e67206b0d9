import { describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import {
  aMesh,
  anAddress,
  anExternalService,
  anInstance,
  aRoute,
  aService,
  backend,
  instance,
  route,
  rule,
  service,
  servicePort,
  TestMesh,
} from '../../testing/src/builders/index.js';

const shop = [
  aService('shop/orders'),
  aService('shop/payments', { ports: [servicePort({ name: 'grpc', port: 9000, protocol: 'grpc' })] }),
  anAddress('shop/orders', 2),
  anAddress('shop/payments', 3),
  anInstance('shop/orders-1'),
  anInstance('shop/web-1'),
];

describe('views', () => {
  it('are ordered layers whose keys begin with the mesh', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    expect(mesh.graph.viewOf('shop', 'web-1')).toBe('default|view|shop/web-1');
    expect(mesh.views.get('default|view|shop/web-1')).toEqual([
      'default|services',
      'default|addresses|127.100|some',
      'default|ns|shop',
      'default|workload|shop/web',
      'default|instance|shop/web-1',
    ]);
    expect([...mesh.resources.keys(), ...mesh.layers.keys()].every((key) => key.startsWith('default|'))).toBe(true);
  });

  it('show clusters, endpoints, route configurations and scopes of every service', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    expect(mesh.names('shop/web-1', TYPE.cluster)).toEqual(['inbound/http', 'shop/orders/8080', 'shop/payments/9000']);
    expect(mesh.names('shop/web-1', TYPE.endpoint)).toEqual(['shop/orders/8080', 'shop/payments/9000']);
    expect(mesh.names('shop/web-1', TYPE.route)).toEqual(['shop/orders', 'shop/payments', 'shop/payments/9000']);
    expect(mesh.names('shop/web-1', TYPE.scopedRoute)).toEqual([
      'shop/orders/orders',
      'shop/orders/orders.shop',
      'shop/orders/orders.shop.default.mesh',
      'shop/payments/payments',
      'shop/payments/payments.shop',
      'shop/payments/payments.shop.default.mesh',
    ]);
    expect(mesh.names('shop/web-1', TYPE.listener)).toEqual([
      'inbound/http',
      'outbound',
      'outbound/shop/payments/9000',
    ]);
  });

  it('give an Envoy without scoped routes an address for every port, and no shared one', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop, anInstance('shop/old-1', { features: ['base'] }));
    expect(mesh.names('shop/old-1', TYPE.listener)).toEqual([
      'inbound/http',
      'outbound/shop/orders/8080',
      'outbound/shop/payments/9000',
    ]);
  });

  it('hide short names from other namespaces', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop, anInstance('other/web-1'));
    expect(mesh.names('other/web-1', TYPE.scopedRoute)).not.toContain('shop/orders/orders');
    expect(mesh.names('other/web-1', TYPE.scopedRoute)).toContain('shop/orders/orders.shop');
  });

  it('hold, where scoping is Declared, what the services of the workload depend on and what routes lead to', () => {
    const mesh = new TestMesh();
    mesh.apply(
      ...shop,
      aMesh({ scoping: 'Declared' }),
      aService('shop/web', { dependencies: ['shop/orders'] }),
      aService('shop/archive'),
      aRoute('shop/orders', { rules: [rule({ backends: [backend('shop/archive')] })] }),
    );
    expect(mesh.names('shop/web-1', TYPE.cluster)).toEqual(['inbound/http', 'shop/archive/8080', 'shop/orders/8080']);
    expect(mesh.names('shop/web-1', TYPE.route)).toEqual(['inbound/http', 'shop/orders']);
  });

  it('let routes of a namespace take the place of the service’s own for its callers alone', () => {
    const mesh = new TestMesh();
    mesh.apply(
      ...shop,
      aService('shop/other'),
      anInstance('team/caller-1'),
      aRoute('team/orders', { parent: 'shop/orders', rules: [rule({ backends: [backend('team/fake')] })] }),
      aService('team/fake'),
    );
    expect(JSON.stringify(mesh.json('team/caller-1', TYPE.route, 'shop/orders'))).toContain('team/fake/8080');
    expect(JSON.stringify(mesh.json('shop/web-1', TYPE.route, 'shop/orders'))).not.toContain('team/fake/8080');
  });

  it('end with the instance', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    const before = mesh.fingerprint();
    mesh.apply(anInstance('team/late-1'));
    const change = mesh.apply({ gone: { namespace: 'team', name: 'late-1' } });
    expect(change.removedViews).toEqual(['default|view|team/late-1']);
    expect(mesh.graph.viewOf('team', 'late-1')).toBeUndefined();
    expect(mesh.fingerprint()).toBe(before);
  });
});

describe('a change', () => {
  it('of an endpoint sets that endpoint list alone, touches no layer, and runs at most 3 queries', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    const { run } = mesh.graph.counters;
    const change = mesh.apply(anInstance('shop/orders-1', { routable: false }));
    expect(change.set.map((r) => r.key)).toEqual(['default|endpoints|shop/orders/8080']);
    expect(change).toMatchObject({ layers: [], views: [], removed: [] });
    expect(mesh.graph.counters.run - run).toBeLessThanOrEqual(3);
  });

  it('of nothing publishes nothing', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    expect(mesh.apply(...shop)).toEqual({
      set: [],
      removed: [],
      layers: [],
      removedLayers: [],
      views: [],
      removedViews: [],
      failures: [],
    });
  });

  it('that adds a service leaves the resources of others alone', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    const change = mesh.apply(aService('shop/carts'));
    expect(change.set.every((r) => r.key.includes('shop/carts'))).toBe(true);
  });
});

describe('a fork', () => {
  it('says what would come, change and go, and changes nothing', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    const before = mesh.fingerprint();
    const fork = mesh.graph.fork({
      puts: [
        { type: 'Service', value: service('shop/carts', { ports: [servicePort({ protocol: 'tcp' })] }) },
        { type: 'Route', value: route('shop/orders', { rules: [rule({ backends: [backend('shop/none')] })] }) },
      ],
      deletes: [{ kind: 'Service', namespace: 'shop', name: 'payments' }],
    });
    const changes = fork.changes();
    expect(changes.added).toEqual(['default|cluster|shop/carts/8080', 'default|endpoints|shop/carts/8080']);
    expect(changes.changed).toEqual(['default|routes|shop/orders']);
    expect(changes.removed).toContain('default|cluster|shop/payments/9000');
    expect(fork.conditions({ kind: 'HTTPRoute', namespace: 'shop', name: 'orders' })).toMatchObject([
      { type: 'Accepted', status: 'True' },
      { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound' },
    ]);
    mesh.apply();
    expect(mesh.fingerprint()).toBe(before);
  });

  it('agrees with what applying the writes does', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    const value = service('shop/orders', { hostnames: ['orders.example.com'] });
    const changes = mesh.graph.fork({ puts: [{ type: 'Service', value }], deletes: [] }).changes();
    const change = mesh.apply({ put: { type: 'Service', value } });
    expect([...changes.added, ...changes.changed].sort()).toEqual(change.set.map((r) => r.key).sort());
    expect(changes.removed).toEqual(change.removed);
  });
});

describe('scopes', () => {
  it('never share a key, though two services claim one hostname', () => {
    const mesh = new TestMesh();
    const younger = service('shop/b', { hostnames: ['api.example.com', 'orders.shop', 'short'] });
    mesh.apply(...shop, aService('shop/a', { hostnames: ['api.example.com'] }), {
      put: { type: 'Service', value: { ...younger, source: { ...younger.source, createdRevision: 9 } } },
    });
    const names = mesh.names('shop/web-1', TYPE.scopedRoute);
    expect(names.filter((name) => name.endsWith('/api.example.com'))).toEqual(['shop/a/api.example.com']);
    expect(names.filter((name) => name.endsWith('/orders.shop'))).toEqual(['shop/orders/orders.shop']);
    expect(names.filter((name) => name.endsWith('/short'))).toEqual([]);
    expect(mesh.graph.conditions({ kind: 'Service', namespace: 'shop', name: 'b' })).toMatchObject([
      { type: 'Accepted', status: 'False', reason: 'HostnameConflict' },
      { type: 'ResolvedRefs', status: 'True' },
    ]);
  });
});

describe('explain', () => {
  it('leads from a resource to the inputs it was made from', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    const tree = JSON.stringify(mesh.graph.explain('default|endpoints|shop/orders/8080'));
    expect(tree).toContain('"kind":"routable","key":"shop/orders-1"');
  });
});

describe('an external service', () => {
  it('is reached by its hostnames, by DNS, without endpoints of the mesh', () => {
    const mesh = new TestMesh();
    mesh.apply(
      ...shop,
      anExternalService('shop/mail', {
        tls: { serverName: 'mail.example.com', subjectAltNames: [], caFile: '/etc/ca.pem' },
      }),
    );
    expect(mesh.names('shop/web-1', TYPE.scopedRoute)).toContain('shop/mail/mail.example.com');
    expect(mesh.names('shop/web-1', TYPE.endpoint)).not.toContain('shop/mail/80');
    expect(mesh.json('shop/web-1', TYPE.cluster, 'shop/mail/80')).toMatchObject({
      type: 'STRICT_DNS',
      transportSocket: { typedConfig: { sni: 'mail.example.com' } },
    });
  });
});

describe('registration', () => {
  it('keeps what is no part of an instance out of the graph', () => {
    const mesh = new TestMesh();
    mesh.apply(...shop);
    const row = { ...instance('shop/orders-1'), runtimeRevision: 7, attached: [] };
    expect(mesh.apply({ instance: row }).set).toEqual([]);
  });
});

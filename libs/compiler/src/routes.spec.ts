import { describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import type { PathMatch, PathRewrite, Route, RouteMatch } from '#libs/model';
import {
  aGrant,
  anInstance,
  aRoute,
  aService,
  backend,
  type Input,
  route,
  routeMatch,
  rule,
  service,
  servicePort,
  TestMesh,
} from '../../testing/src/builders/index.js';
import { rankedMatches } from './route-matches.js';
import { pathChange } from './route-rewrites.js';

interface RouteJson {
  readonly name: string;
  readonly match: { readonly headers?: readonly { readonly name: string }[] };
  readonly route?: {
    readonly cluster?: string;
    readonly timeout?: string;
    readonly weightedClusters?: { readonly clusters: readonly { readonly name: string; readonly weight: number }[] };
    readonly clusterNotFoundResponseCode?: string;
    readonly retryPolicy: { readonly retryOn: string; readonly numRetries: number; readonly perTryTimeout?: string };
  };
  readonly directResponse?: { readonly status: number };
}
interface TableJson {
  readonly virtualHosts: readonly { readonly name: string; readonly domains: string[]; readonly routes: RouteJson[] }[];
}

const BASE = [aService('shop/orders'), aService('shop/green'), anInstance('shop/web-1')];

function table(...inputs: readonly Input[]): TableJson {
  const mesh = new TestMesh();
  mesh.apply(...BASE, ...inputs);
  return mesh.json('shop/web-1', TYPE.route, 'shop/orders') as TableJson;
}

const routesOf = (...inputs: readonly Input[]): readonly RouteJson[] => table(...inputs).virtualHosts[0]?.routes ?? [];

const orders = (rules: Route['rules'], fields: Partial<Route> = {}): Input =>
  aRoute('shop/orders', { rules, ...fields });

describe('a service without routes', () => {
  it('gets a default route without timeout, retried on resets for safe methods alone', () => {
    const [safe, rest, ...more] = routesOf();
    expect(more).toEqual([]);
    expect(safe?.match.headers?.map((h) => h.name)).toEqual([':method']);
    expect(safe?.route?.retryPolicy.retryOn).toBe('connect-failure,refused-stream,reset-before-request,reset');
    expect(rest).toMatchObject({
      name: 'Service/shop/orders/default',
      match: { prefix: '/' },
      route: {
        cluster: 'shop/orders/8080',
        timeout: '0s',
        retryPolicy: {
          retryOn: 'connect-failure,refused-stream,reset-before-request',
          numRetries: 2,
          retryBackOff: { baseInterval: '0.025s', maxInterval: '0.250s' },
        },
      },
    });
  });

  it('has a virtual host per HTTP port, with bare hosts on the first', () => {
    const ports = [
      servicePort({ name: 'tcp', port: 1, protocol: 'tcp' }),
      servicePort(),
      servicePort({ name: 'b', port: 9090 }),
    ];
    const hosts = table(aService('shop/orders', { ports, hostnames: ['o.example.com'] })).virtualHosts;
    expect(hosts.map((host) => host.name)).toEqual(['8080', '9090']);
    expect(hosts[0]?.domains).toEqual([
      'o.example.com',
      'o.example.com:8080',
      'orders',
      'orders:8080',
      'orders.shop',
      'orders.shop:8080',
      'orders.shop.default.mesh',
      'orders.shop.default.mesh:8080',
    ]);
    expect(hosts[1]?.domains).toEqual([
      'o.example.com:9090',
      'orders:9090',
      'orders.shop:9090',
      'orders.shop.default.mesh:9090',
    ]);
  });
});

describe('precedence', () => {
  const path = (type: PathMatch['type'], value: string): Partial<RouteMatch> => ({ path: { type, value } });
  const header = { name: 'x', match: { type: 'Exact' as const, value: 'y' } };

  it.each<[string, Partial<RouteMatch>, Partial<RouteMatch>]>([
    ['an exact path before a prefix', path('Exact', '/a'), path('PathPrefix', '/a/long/prefix')],
    ['a regular expression before a prefix', path('RegularExpression', '/.*'), path('PathPrefix', '/a/long/prefix')],
    ['a longer prefix before a shorter one', path('PathPrefix', '/a/b'), path('PathPrefix', '/a')],
    ['a trailing slash counts for nothing', { ...path('PathPrefix', '/a'), method: 'GET' }, path('PathPrefix', '/a/')],
    ['a method before headers', { method: 'GET' }, { headers: [header, { ...header, name: 'z' }] }],
    ['more headers before fewer', { headers: [header] }, { queryParams: [header, { ...header, name: 'z' }] }],
    ['more query parameters before fewer', { queryParams: [header] }, {}],
  ])('%s', (_, first, second) => {
    const later = rule({ name: 'second', matches: [routeMatch(second)] });
    const sooner = rule({ name: 'first', matches: [routeMatch(first)] });
    expect(rankedMatches([route('a/a', { rules: [later, sooner] })]).map((m) => m.rule.name)).toEqual([
      'first',
      'second',
    ]);
  });

  it('ties go to the older route, then to its name, then to the order of rules', () => {
    const old = route('shop/z', { rules: [rule({ name: 'x' }), rule({ name: 'y' })] });
    const young = route('shop/a', { rules: [rule()] });
    const aged = { ...young, source: { ...young.source, createdRevision: 5 } };
    const twin = route('shop/y', { rules: [rule()] });
    const names = rankedMatches([aged, twin, old]).map((m) => `${m.route.name}/${m.rule.name}`);
    expect(names).toEqual(['y/0', 'z/x', 'z/y', 'a/0']);
  });
});

describe('a rule', () => {
  it('is named after its route in every Envoy route that it makes', () => {
    const routes = routesOf(
      orders([rule({ name: 'main', matches: [routeMatch({ method: 'POST' })], backends: [backend('shop/orders')] })]),
    );
    expect(routes.map((r) => r.name)).toEqual(['HTTPRoute/shop/orders/main']);
    expect(routes[0]?.route?.retryPolicy.retryOn).not.toContain(',reset,');
  });

  it('splits by weight and leaves out backends without any', () => {
    const backends = [
      backend('shop/orders', { weight: 9 }),
      backend('shop/green', { weight: 1 }),
      backend('shop/none', { weight: 0 }),
    ];
    const [first] = routesOf(orders([rule({ backends })]));
    expect(first?.route?.weightedClusters?.clusters).toMatchObject([
      { name: 'shop/orders/8080', weight: 9 },
      { name: 'shop/green/8080', weight: 1 },
    ]);
  });

  it('answers the share of an unresolved backend with 500, by a cluster that no service can be', () => {
    const [first] = routesOf(
      orders([rule({ backends: [backend('shop/orders', { weight: 3 }), backend('shop/none')] })]),
    );
    expect(first?.route?.weightedClusters?.clusters.map((c) => c.name)).toEqual(['shop/orders/8080', 'unresolved']);
    expect(first?.route?.clusterNotFoundResponseCode).toBe('INTERNAL_SERVER_ERROR');
  });

  it.each([
    ['no backend resolves', [backend('shop/none')]],
    ['no backend has weight', [backend('shop/orders', { weight: 0 })]],
    ['there is no backend', []],
    ['a subset does not exist', [backend('shop/orders/blue')]],
    ['a port does not exist', [backend('shop/orders', { port: 1 })]],
    ['the backend is in another namespace without a grant', [backend('team/orders')]],
  ])('answers 500 when %s', (_, backends) => {
    const routes = routesOf(aService('team/orders'), orders([rule({ backends })]));
    expect(routes.map((r) => r.directResponse?.status)).toEqual([500]);
  });

  it('may name a backend of another namespace that grants it', () => {
    const routes = routesOf(
      aService('team/orders'),
      aGrant('team', 'shop'),
      orders([rule({ backends: [backend('team/orders')] })]),
    );
    expect(routes[0]?.route?.cluster).toBe('team/orders/8080');
  });

  it('has timeouts and retries of its own over the defaults', () => {
    const [first] = routesOf(
      orders([
        rule({
          backends: [backend('shop/orders')],
          timeoutMs: 2000,
          backendTimeoutMs: 500,
          retry: { attempts: 4, backoffMs: 100, codes: [503] },
        }),
      ]),
    );
    expect(first?.route).toMatchObject({
      timeout: '2s',
      retryPolicy: {
        retryOn: 'connect-failure,refused-stream,reset-before-request,retriable-status-codes,reset',
        numRetries: 4,
        perTryTimeout: '0.500s',
        retriableStatusCodes: [503],
        retryBackOff: { baseInterval: '0.100s', maxInterval: '1s' },
      },
    });
  });

  it('redirects without any cluster', () => {
    const redirect = { scheme: 'https', hostname: 'x.example.com', port: 8443, path: undefined, statusCode: 301 };
    expect(routesOf(orders([rule({ redirect })]))).toMatchObject([
      { redirect: { schemeRedirect: 'https', hostRedirect: 'x.example.com', portRedirect: 8443 } },
    ]);
  });

  it('mirrors to backends that exist', () => {
    const mirror = (to: string) => ({ backend: backend(to), fraction: 0.1 });
    const [first] = routesOf(
      orders([rule({ backends: [backend('shop/orders')], mirrors: [mirror('shop/green'), mirror('shop/none')] })]),
    );
    expect(first?.route).toMatchObject({
      requestMirrorPolicies: [
        {
          cluster: 'shop/green/8080',
          runtimeFraction: { defaultValue: { numerator: 100_000, denominator: 'MILLION' } },
        },
      ],
    });
  });

  it('takes header values literally', () => {
    const requestHeaders = { set: [{ name: 'x-share', value: '100%' }], add: [], remove: ['x-old'] };
    expect(routesOf(orders([rule({ backends: [backend('shop/orders')], requestHeaders })]))[0]).toMatchObject({
      requestHeadersToAdd: [{ header: { key: 'x-share', value: '100%%' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
      requestHeadersToRemove: ['x-old'],
    });
  });
});

describe('a path rewrite', () => {
  const rewritten = (path: string, match: PathMatch, rewrite: PathRewrite): string => {
    const change = pathChange(rewrite, match);
    if (change.type === 'none') return path;
    if (change.type === 'pattern') return path.replace(new RegExp(change.regex), change.substitution);
    return change.value + path.slice(match.value.replace(/\/+$/, '').length || 1);
  };

  it.each([
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
    ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'],
    ['/foo/bar', '/foo', '', '/bar'],
    ['/foo/', '/foo', '', '/'],
    ['/foo', '/foo', '', '/'],
    ['/foo/', '/foo', '/', '/'],
    ['/foo', '/foo', '/', '/'],
    ['/foo/bar', '/foo', '/', '/bar'],
    ['/bar', '/', '/xyz', '/xyz/bar'],
    ['/', '/', '/xyz', '/xyz/'],
    ['/a.b/c', '/a.b', '/', '/c'],
  ])('turns %s by %s -> %s into %s', (path, prefix, value, expected) => {
    expect(rewritten(path, { type: 'PathPrefix', value: prefix }, { type: 'ReplacePrefixMatch', value })).toBe(
      expected,
    );
  });

  it('can replace the whole path', () => {
    const rewrite: PathRewrite = { type: 'ReplaceFullPath', value: '/new' };
    expect(rewritten('/a/b', { type: 'Exact', value: '/a/b' }, rewrite)).toBe('/new');
  });
});

describe('a GRPCRoute', () => {
  it('governs ports that speak HTTP/2, and says why it governs no other', () => {
    const mesh = new TestMesh();
    mesh.apply(
      ...BASE,
      aRoute('shop/orders', { kind: 'GRPCRoute', rules: [rule({ backends: [backend('shop/orders')] })] }),
    );
    expect(mesh.graph.conditions({ kind: 'GRPCRoute', namespace: 'shop', name: 'orders' })[0]).toMatchObject({
      status: 'False',
      reason: 'NoMatchingParent',
      message: 'Service shop/orders has no port here that a GRPCRoute can govern (8080 is http)',
    });
  });

  it('leaves a port without its route as it was', () => {
    const grpc = service('shop/orders', { ports: [servicePort({ protocol: 'grpc' })] });
    const routes = routesOf({ put: { type: 'Service', value: grpc } });
    expect(routes.map((r) => r.name)).toEqual(['Service/shop/orders/default']);
  });
});

describe('conditions of a route', () => {
  it('name each reference that does not resolve, with its path', () => {
    const mesh = new TestMesh();
    mesh.apply(
      ...BASE,
      orders([rule({ backends: [backend('shop/orders'), backend('shop/none'), backend('team/x')] })]),
    );
    const [accepted, refs] = mesh.graph.conditions({ kind: 'HTTPRoute', namespace: 'shop', name: 'orders' });
    expect(accepted).toMatchObject({ type: 'Accepted', status: 'True' });
    expect(refs).toMatchObject({ type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound' });
    expect(refs?.details.map((d) => [d.path, d.code])).toEqual([
      ['/spec/rules/0/backendRefs/1', 'backend-not-found'],
      ['/spec/rules/0/backendRefs/2', 'ref-not-permitted'],
    ]);
    expect(refs?.message).toContain('Service shop/none does not exist');
  });
});

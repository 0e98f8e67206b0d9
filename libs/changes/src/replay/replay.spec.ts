import { describe, expect, it } from 'vitest';
import { create, HttpConnectionManagerSchema, type MessageInitShape, RouteConfigurationSchema } from '#libs/envoy-api';
import { compare } from './compare.js';
import { evaluate, explain } from './evaluate.js';
import type { RoutingConfig, SampleRequest } from './types.js';
import { why } from './words.js';

type Routes = NonNullable<MessageInitShape<typeof RouteConfigurationSchema>['virtualHosts']>[number]['routes'];
type Manager = Exclude<MessageInitShape<typeof HttpConnectionManagerSchema>, { $typeName: string }>;

function configWith(routes: Routes, manager: Manager = {}): RoutingConfig {
  const table = create(RouteConfigurationSchema, {
    name: 'shop/orders',
    virtualHosts: [{ name: '8080', domains: ['orders', 'orders:8080'], routes: routes ?? [] }],
  });
  return {
    manager: create(HttpConnectionManagerSchema, {
      ...manager,
      routeSpecifier: { case: 'rds', value: { routeConfigName: 'shop/orders' } },
    }),
    port: 15001,
    tables: new Map([['shop/orders', table]]),
    scopes: [],
  };
}

const to = (cluster: string) => ({
  case: 'route' as const,
  value: { clusterSpecifier: { case: 'cluster' as const, value: cluster }, timeout: { seconds: 5n } },
});
const split = (blue: number, green: number) => ({
  case: 'route' as const,
  value: {
    timeout: { seconds: 5n },
    clusterSpecifier: {
      case: 'weightedClusters' as const,
      value: {
        clusters: [
          { name: 'blue', weight: blue },
          { name: 'green', weight: green },
        ],
      },
    },
  },
});
const prefix = (value: string) => ({ pathSpecifier: { case: 'prefix' as const, value } });
const canary = {
  ...prefix('/'),
  headers: [
    {
      name: 'x-canary',
      headerMatchSpecifier: {
        case: 'stringMatch' as const,
        value: { matchPattern: { case: 'exact' as const, value: 'yes' } },
      },
    },
  ],
};
const get = (path: string, headers: SampleRequest['headers'] = []): SampleRequest => ({
  method: 'GET',
  authority: 'orders:8080',
  path,
  headers,
});

describe('why', () => {
  const config = configWith([
    { name: 'canary', match: canary, action: to('green') },
    { name: 'v1', match: prefix('/v1'), action: to('blue') },
    { name: 'rest', match: prefix('/'), action: to('grey') },
  ]);

  it('names route, cluster and what each other route wanted', () => {
    expect(why(config, get('/v1/x'))).toEqual({
      request: 'GET http://orders:8080/v1/x',
      destination: 'blue by v1',
      place: 'route configuration shop/orders, virtual host 8080',
      effects: ['timeout 5000 ms', 'no retries'],
      others: [
        { route: 'canary', reason: 'header x-canary is absent, wanted: "yes"' },
        { route: 'rest', reason: 'it matches too, but comes later' },
      ],
    });
  });

  it('says that no virtual host is for the host', () => {
    expect(why(config, { ...get('/'), authority: 'payments' }).destination).toBe(
      '404: no virtual host of shop/orders is for "payments"',
    );
  });
});

describe('what is not understood', () => {
  it('is named when it decides', () => {
    const config = configWith([
      { name: 'tls', match: { ...prefix('/a'), tlsContext: { presented: true } }, action: to('blue') },
      { name: 'rest', match: prefix('/'), action: to('grey') },
    ]);
    expect(evaluate(config, get('/a')).verdict).toEqual({ type: 'unsupported', fields: ['match.tlsContext'] });
    expect(evaluate(config, get('/b'))).toMatchObject({ route: 'rest', verdict: { type: 'forwarded' } });
    expect(explain(config, get('/b')).whyNot).toEqual([
      { route: 'tls', index: 0, reason: 'path is "/b", wanted: begins with "/a"' },
    ]);
  });

  it.each<[string, Routes, Manager, string]>([
    [
      'a cluster that a header names',
      [
        {
          match: prefix('/'),
          action: { case: 'route', value: { clusterSpecifier: { case: 'clusterHeader', value: 'x-to' } } },
        },
      ],
      {},
      'action',
    ],
    [
      'a header that Envoy sets',
      [
        {
          match: {
            ...prefix('/'),
            headers: [{ name: 'x-request-id', headerMatchSpecifier: { case: 'presentMatch', value: true } }],
          },
          action: to('blue'),
        },
      ],
      {},
      'x-request-id',
    ],
    [
      'a computed header',
      [
        {
          match: prefix('/'),
          action: to('blue'),
          requestHeadersToAdd: [{ header: { key: 'x-a', value: '%REQ(x)%' } }],
        },
      ],
      {},
      '%REQ(x)%',
    ],
    [
      'an option of the connection manager',
      [{ match: prefix('/'), action: to('blue') }],
      { useRemoteAddress: true },
      'manager.useRemoteAddress',
    ],
    [
      'a dot segment with parameters',
      [{ match: prefix('/'), action: to('blue') }],
      { normalizePath: true },
      'dot segment',
    ],
  ])('is named: %s', (_, routes, manager, named) => {
    const { verdict } = evaluate(configWith(routes, manager), get('/a/..;x/b'));
    expect(verdict.type).toBe('unsupported');
    expect('fields' in verdict ? verdict.fields.join() : '').toContain(named === 'action' ? 'clusterHeader' : named);
  });

  it('is a repeated header that versions of Envoy compare in two ways', () => {
    const config = configWith([{ name: 'canary', match: canary, action: to('green') }]);
    const twice = (value: string) =>
      get(
        '/',
        ['yes', value].map((each) => ({ name: 'x-canary', value: each })),
      );
    expect(evaluate(config, twice('no')).verdict.type).toBe('unsupported');
    expect(evaluate(config, get('/', [{ name: 'x-canary', value: 'yes' }])).verdict.type).toBe('forwarded');
  });
});

describe('a comparison', () => {
  const old = configWith([{ name: 'r', match: prefix('/'), action: split(100, 0) }]);

  it('groups what goes elsewhere, the largest group first', () => {
    const now = configWith([
      { name: 'gone', match: prefix('/old'), action: { case: 'redirect', value: { hostRedirect: 'new' } } },
      { name: 'r', match: prefix('/v1'), action: split(90, 10) },
      { name: 'r', match: prefix('/'), action: split(100, 0) },
    ]);
    expect(compare(old, now, [get('/'), get('/old'), get('/v1/a'), get('/v1/b')])).toEqual({
      total: 4,
      unchanged: 1,
      unsupported: [],
      groups: [
        {
          change: 'elsewhere',
          before: 'blue by r',
          after: '90 % blue, 10 % green by r',
          lost: [],
          gained: [],
          requests: [2, 3],
        },
        {
          change: 'elsewhere',
          before: 'blue by r',
          after: 'redirect 301 to http://new/old by gone',
          lost: [],
          gained: [],
          requests: [1],
        },
      ],
    });
  });

  it('tells a change of treatment from a change of destination, and a renamed route from both', () => {
    const action = {
      ...split(100, 0),
      value: { ...split(100, 0).value, prefixRewrite: '/x/', timeout: { seconds: 1n } },
    };
    const now = configWith([{ name: 'renamed', match: prefix('/'), action }]);
    expect(compare(old, now, [get('/a')]).groups).toEqual([
      {
        change: 'treatment',
        before: 'blue by r',
        after: 'blue by renamed',
        lost: ['timeout 5000 ms'],
        gained: ['path becomes /x/a', 'timeout 1000 ms'],
        requests: [0],
      },
    ]);
    const renamed = configWith([{ name: 'renamed', match: prefix('/'), action: split(1, 0) }]);
    expect(compare(old, renamed, [get('/a')])).toMatchObject({ unchanged: 1, groups: [] });
  });

  it('sets apart what cannot be judged', () => {
    const now = configWith([{ match: { ...prefix('/'), tlsContext: {} }, action: to('blue') }]);
    expect(compare(old, now, [get('/a')])).toMatchObject({
      unchanged: 0,
      unsupported: [{ request: 0, reason: 'not evaluated by a route without a name: match.tlsContext' }],
    });
  });
});

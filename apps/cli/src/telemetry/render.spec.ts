import { describe, expect, it } from 'vitest';
import type { EdgeSignals, FailurePage, GoldenSignals, ServiceMap } from '#libs/telemetry';
import { reason } from './answered.js';
import { renderFailures } from './failures.render.js';
import { dotOf, renderMap } from './map.render.js';
import { duration, inline, rate, share } from './numbers.js';
import { timeQuery } from './time.js';
import { renderEdge, renderService, renderServices } from './top.render.js';

const when = { from: '2026-11-27T14:00:00.000Z', to: '2026-11-27T14:15:00.000Z', incomplete: false };
const signals: GoldenSignals = {
  ...{ rate: 12.13, count: 10_917, failures: 900, failureShare: 0.0824, attemptsPerRequest: 1.165, inFlight: 0.482 },
  outcomes: [
    { outcome: 'ok', count: 10_017 },
    { outcome: 'reset', count: 900 },
  ],
  latency: { p50: 19.9, p90: 41, p99: 404 },
};
const quiet: GoldenSignals = { rate: 0, count: 0, failures: 0, failureShare: 0, outcomes: [] };
const lines = (text: string): string[] => text.split('\n').map((line) => line.trimEnd());

it.each([
  [rate(0), '0/s'],
  [rate(0.254), '0.25/s'],
  [rate(12.13), '12.1/s'],
  [rate(1_234), '1.23k/s'],
  [rate(2.5e6), '2.50M/s'],
  [share(0), '0 %'],
  [share(0.0002), '<0.1 %'],
  [share(0.0824), '8.2 %'],
  [share(1), '100 %'],
  [duration(undefined), '-'],
  [duration(0), '0 ms'],
  [duration(404), '404 ms'],
  [duration(61_000), '61.0 s'],
])('numbers are short: %s', (found, expected) => {
  expect(found).toBe(expected);
});

it.each([
  ['a\u001b[31mb\nc\td\u0000', 'a [31mb c d '],
  ['\u202eevil\u200b', '\ufffdevil\ufffd'],
])('SEC-12 texts keep to their line: %j', (text, expected) => {
  expect(inline(text)).toBe(expected);
});

it.each([
  [[], 'no proxy is registered yet (heddle proxy run, heddle proxy bootstrap)'],
  [[{ connected: false }], 'none of 1 proxies is connected (heddle status)'],
  [
    [{ connected: true }, { connected: false }],
    '1 of 2 proxies are connected, so nothing was asked through the mesh in that time, or it was too short ago (up to 20 s): --since 1h looks further back',
  ],
])('nothing is explained by %j', (proxies, expected) => {
  expect(reason(proxies)).toBe(expected);
});

it.each([
  [{}, 'since=900s'],
  [{ since: '2h' }, 'since=7200s'],
  [
    { since: '2026-11-23T14:02:00Z', until: '2026-11-23T15:02:00Z' },
    'from=2026-11-23T14%3A02%3A00.000Z&to=2026-11-23T15%3A02%3A00.000Z',
  ],
])('the time %j is asked for as %s', (flags, expected) => {
  expect(timeQuery(flags).toString()).toBe(expected);
});

it.each([{ since: '900d' }, { since: '0s' }, { since: 'yesterday' }, { until: 'soon' }])('%j is refused', (flags) => {
  expect(() => timeQuery(flags)).toThrow(/^--(since|until) /);
});

describe('heddle top', () => {
  it('shows services with what is not shown', () => {
    const items = [
      { namespace: 'shop', name: 'orders', ...signals },
      { namespace: 'shop', name: 'stock', ...quiet },
    ];
    expect(lines(renderServices({ ...when, incomplete: true, items, more: 3, hidden: 14 }))).toEqual([
      'SERVICE      RATE    FAILURES  P50      P90      P99     ATTEMPTS  OPEN  WHAT FAILED',
      'shop/orders  12.1/s  8.2 %     19.9 ms  41.0 ms  404 ms  1.17      0.48  reset 900',
      'shop/stock   0/s     0 %       -        -        -       -         -',
      '',
      'from 2026-11-27T14:00:00.000Z to 2026-11-27T14:15:00.000Z',
      'some of that time is missing: counts are lower bounds',
      'and 3 more: --limit',
      'and 14 that you may not see',
    ]);
  });

  it('shows one by route, caller and instance, whatever their names hold', () => {
    const { attemptsPerRequest: _, ...attempts } = signals;
    const text = renderService({
      ...{ ...when, namespace: 'shop', name: 'orders', total: signals },
      chart: { ...when, stepMs: 10_000, points: [] },
      routes: [{ route: 'HTTPRoute/shop/orders/0', subset: 'green', ...signals }],
      callers: [
        { caller: '', callee: 'shop/orders', ...signals },
        { caller: 'others', callee: 'shop/orders', others: 2, ...signals },
      ],
      instances: [{ instance: '10.0.0.1:80\u001b[2J', service: 'shop/orders', version: 'v1', zone: '', ...attempts }],
    });
    expect(text).toContain('HTTPRoute/shop/orders/0 to green');
    expect(text).toMatch(/^\(no identity\) +12\.1/m);
    expect(text).toMatch(/^2 others +12\.1/m);
    expect(text).toMatch(/^10\.0\.0\.1:80 \[2J +v1 +12\.1\/s/m);
    expect(text).not.toContain('\u001b');
  });
});

describe('heddle top --caller', () => {
  const routes = [
    { route: 'HTTPRoute/shop/orders/0', subset: 'green', ...signals },
    { ...{ route: '', subset: '' }, ...quiet },
  ];
  const edge = { ...when, caller: '', callee: 'shop/orders', total: signals, routes, more: 0 };

  it('shows one caller of a service by route', () => {
    expect(lines(renderEdge({ ...edge, chart: { ...when, stepMs: 10_000, points: [] }, more: 2 }))).toEqual([
      'CALLER         SERVICE      RATE    FAILURES  P50      P90      P99     ATTEMPTS  OPEN  WHAT FAILED',
      '(no identity)  shop/orders  12.1/s  8.2 %     19.9 ms  41.0 ms  404 ms  1.17      0.48  reset 900',
      '',
      'ROUTE                             RATE    FAILURES  P50      P90      P99     ATTEMPTS  OPEN  WHAT FAILED',
      'HTTPRoute/shop/orders/0 to green  12.1/s  8.2 %     19.9 ms  41.0 ms  404 ms  1.17      0.48  reset 900',
      '(no route)                        0/s     0 %       -        -        -       -         -',
      '',
      'and 2 more routes',
      '',
      'from 2026-11-27T14:00:00.000Z to 2026-11-27T14:15:00.000Z',
    ]);
  });
});

describe('heddle map', () => {
  const edge = (caller: string, callee: string, more: Partial<EdgeSignals> = {}): EdgeSignals => ({
    ...{ ...signals, caller, callee, ...more },
  });
  const map: ServiceMap = {
    ...when,
    nodes: [
      { kind: 'service', id: 'shop/orders', signals },
      { kind: 'workload', id: '' },
      { kind: 'workload', id: 'shop/orders', plaintext: 4 },
      { kind: 'workload', id: 'shop/web' },
    ],
    edges: [
      edge('shop/web', 'shop/orders', { failure: 'reset' }),
      { ...edge('', 'shop/orders'), plaintext: true },
      edge('shop/web', 'others', { others: 2 }),
    ],
    serves: [{ service: 'shop/orders', workload: 'shop/orders' }],
    more: 0,
    hidden: 1,
  };

  it('names each caller once', () => {
    expect(lines(renderMap(map))).toEqual([
      'CALLER         SERVICE        RATE    FAILURES     P99',
      'shop/web       → shop/orders  12.1/s  8.2 % reset  404 ms',
      '               → 2 others     12.1/s  8.2 %        404 ms',
      '(no identity)  → shop/orders  12.1/s  8.2 %        404 ms  plaintext',
      '',
      'shop/orders is sent plaintext: 4 in the last five minutes',
      '',
      'from 2026-11-27T14:00:00.000Z to 2026-11-27T14:15:00.000Z',
      'and 1 that you may not see',
    ]);
  });

  it('is a graph for Graphviz, with names that stay names', () => {
    const evil = {
      ...map,
      nodes: [],
      serves: [],
      edges: [edge('a"];\n evil [label="\\', 'shop/orders', { failures: 0 })],
    };
    expect(dotOf(evil)).toBe(
      [
        'digraph heddle {',
        '  rankdir=LR;',
        '  "workload a\\"];  evil [label=\\"\\\\" -> "service shop/orders" [label="12.1/s, 8.2 %, p99 404 ms"];',
        '}',
      ].join('\n'),
    );
    expect(dotOf(map)).toContain('"workload shop/orders" [label="shop/orders", shape=ellipse, style=dashed];');
  });
});

describe('heddle failures', () => {
  const failure: FailurePage['items'][number] = {
    ...{ at: '2026-11-27T14:03:00.000Z', what: 'request', requestId: 'r-1', caller: 'shop/web', callerInstance: '' },
    ...{ callee: 'shop/orders/http', subset: '', instance: 'shop/orders/orders-1', route: '', outcome: 'reset' },
    ...{ status: 503, flags: 'UC,URX', details: 'upstream_reset\n\u001b]0;evil\u0007', method: 'GET', path: '/a\nb' },
    ...{ durationMs: 31.5, attempt: 3 },
  };

  it('are one line each, whatever they hold', () => {
    const { from, to } = when;
    const attempt = { ...failure, what: 'attempt', attempt: 2, caller: '', status: 0, flags: '', instance: '' };
    expect(lines(renderFailures({ from, to, items: [failure, attempt], cursor: 'x' }))).toEqual([
      'AT                        WHAT                  FROM → TO                         FAILED            REQUEST   TOOK     WHY',
      '2026-11-27T14:03:00.000Z  request (3 attempts)  shop/web → shop/orders/http       reset 503 UC,URX  GET /a b  31.5 ms  upstream_reset  ]0;evil  at shop/orders/orders-1',
      '2026-11-27T14:03:00.000Z  attempt 2             (no identity) → shop/orders/http  reset             GET /a b  31.5 ms  upstream_reset  ]0;evil',
      '',
      'there are more: --limit',
    ]);
  });

  it('say why there may be none', () => {
    expect(renderFailures({ ...when, items: [] })).toContain('nothing failed, or it is not kept any more');
  });
});

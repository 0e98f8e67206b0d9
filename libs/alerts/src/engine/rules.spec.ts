import { describe, expect, it } from 'vitest';
import { BEHIND_FROM_MS, CONDITION_SCOPES } from '#libs/model';
import { type InstanceCell, LatencySketch } from '#libs/telemetry';
import type { MeshFacts, ServerFacts } from '../ports.js';
import { CellSignals } from '../testing/cell-signals.js';
import { edge, goodServer, noFacts, rule } from '../testing/examples.js';
import { expiringOf } from './conditions.js';
import { type Assessment, assess, builtInRules } from './index.js';

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;

const edges = [
  edge({ at: NOW - 2 * MINUTE, requests: 90, ms: 20 }),
  edge({ at: NOW - 2 * MINUTE, outcome: 'error', requests: 10, attempts: 30 }),
  edge({ at: NOW - 2 * MINUTE, outcome: 'denied', requests: 100 }),
  edge({ at: NOW - 2 * MINUTE, requests: 100, ms: 900, callee: 'shop/stock/80', caller: 'bank/batch', route: '' }),
  edge({ at: NOW - 20 * MINUTE, outcome: 'error', requests: 1_000 }),
];
const instance = (name: string, outcome: InstanceCell['outcome'], attempts: number): InstanceCell => ({
  ...{ at: NOW - MINUTE, lengthMs: MINUTE, complete: true, callee: 'shop/orders/80', version: '', zone: '' },
  ...{ instance: `shop/orders/${name}`, outcome, attempts, latencies: new LatencySketch() },
});
const instances = [instance('orders-1', 'ok', 50), instance('orders-2', 'reset', 40), instance('orders-2', 'ok', 10)];

async function assessed(
  spec: string,
  known: {
    readonly facts?: Partial<MeshFacts>;
    readonly server?: Partial<ServerFacts>;
    readonly silent?: boolean;
  } = {},
): Promise<Assessment> {
  const watched = { mesh: 'default', objectives: [], rules: [rule('mine', spec)] };
  const facts = { facts: { ...noFacts, ...known.facts }, server: { ...goodServer, ...known.server }, now: NOW };
  const signals = known.silent ? undefined : new CellSignals({ edges, instances, missing: [] });
  const [first] = (await assess(watched, facts, signals)).assessments;
  if (!first) throw new Error('nothing was assessed');
  return first;
}

describe('rules over the traffic', () => {
  it.each([
    [
      '{aggregate: FailurePercent, service: orders, above: 5}',
      'holds',
      'shop/orders: 10 % of 100 requests failed in 5m (alert at more than 5 %)',
    ],
    [
      '{aggregate: FailurePercent, service: orders, above: 5, ignore: []}',
      'holds',
      'shop/orders: 55 % of 200 requests failed in 5m (alert at more than 5 %)',
    ],
    [
      '{aggregate: FailurePercent, service: orders, above: 10}',
      'over',
      'shop/orders: 10 % of 100 requests failed in 5m (alert at more than 10 %)',
    ],
    [
      '{aggregate: FailurePercent, above: 60, window: 1h}',
      'holds',
      'the services of shop: 84.2 % of 1,200 requests failed in 1h (alert at more than 60 %)',
    ],
    [
      '{aggregate: Rate, service: orders, below: 1}',
      'holds',
      'shop/orders: 0.667 requests a second in 5m (alert at less than 1)',
    ],
    [
      '{aggregate: Rate, service: nobody, below: 1}',
      'holds',
      'shop/nobody: 0 requests a second in 5m (alert at less than 1)',
    ],
    ['{aggregate: Rate, above: 1}', 'over', 'the services of shop: 1 requests a second in 5m (alert at more than 1)'],
    [
      '{aggregate: Latency, service: stock, quantile: 0.5, slowerThan: 300ms}',
      'holds',
      expect.stringMatching(
        /^shop\/stock: 50 % of 100 requests were answered within \d+ms in 5m \(alert at more than 300ms\)$/,
      ),
    ],
    [
      '{aggregate: Latency, service: orders, slowerThan: 300ms}',
      'over',
      expect.stringMatching(/^shop\/orders: 99 % of 90 requests /),
    ],
    [
      '{aggregate: AttemptsPerRequest, service: orders, above: 1.05}',
      'holds',
      'shop/orders: 1.1 attempts a request in 5m, retries included (alert at more than 1.05)',
    ],
    [
      '{aggregate: FailurePercent, caller: bank/batch, above: 5}',
      'over',
      'bank/batch to the services of shop: 0 % of 100 requests failed in 5m (alert at more than 5 %)',
    ],
    [
      '{aggregate: FailurePercent, route: {kind: HTTPRoute, name: orders}, above: 5}',
      'holds',
      'HTTPRoute/shop/orders: 10 % of 100 requests failed in 5m (alert at more than 5 %)',
    ],
    [
      '{aggregate: FailurePercent, service: nobody, above: 5}',
      'unknown',
      'shop/nobody: unknown % of 0 requests failed in 5m (alert at more than 5 %)',
    ],
    [
      '{aggregate: FailurePercent, service: orders, instance: orders-2, above: 5}',
      'holds',
      'shop/orders at orders-2: 80 % of 50 requests failed in 5m (alert at more than 5 %)',
    ],
  ])('%s', async (signal, verdict, sentence) => {
    const { samples } = await assessed(`{signal: ${signal}}`);
    expect(samples).toMatchObject([{ verdict, sentence }]);
  });

  it.each([
    [
      'Service',
      [
        { service: 'orders', port: '80' },
        { service: 'stock', port: '80' },
      ],
    ],
    [
      'Edge',
      [
        { caller: 'shop/web', service: 'orders' },
        { caller: 'bank/batch', service: 'stock' },
      ],
    ],
    ['Route', [{ route: 'HTTPRoute/shop/orders/0' }, { route: 'none' }]],
    ['Instance', [{ instance: 'shop/orders/orders-1' }, { instance: 'shop/orders/orders-2', service: 'orders' }]],
  ])('one alert for each %s', async (by, labels) => {
    const { samples } = await assessed(`{signal: {aggregate: FailurePercent, above: 5, by: ${by}}, severity: info}`);
    expect(samples.map((one) => one.labels)).toMatchObject(
      labels.map((one) => ({
        ...one,
        namespace: 'shop',
        alertname: 'mine',
        rule: 'shop/mine',
        severity: 'info',
        mesh: 'default',
      })),
    );
  });

  it('say that no source of traffic is connected, and claim nothing', async () => {
    expect(await assessed('{signal: {aggregate: Rate, above: 1}}', { silent: true })).toMatchObject({
      state: 'unknown',
      why: 'no source of traffic is connected: what sidecars count is not stored here',
      samples: [],
      others: 'unknown',
    });
  });
});

const web = (instance: string, namespace = 'shop') => ({ namespace, workload: 'web', instance });
const HOUR = 60 * MINUTE;

describe('conditions on the mesh and its control plane', () => {
  it.each<[string, Parameters<typeof assessed>[1], string, string]>([
    [
      '{proxiesRefusing: {}}',
      {
        facts: {
          refusing: [{ ...web('web-1'), type: 'CDS', name: 'shop/bad/80', message: 'no\u0000 such\n<script>' }],
        },
      },
      'holds',
      'one proxy of shop/web refuses configuration: web-1: CDS shop/bad/80: no such <script>',
    ],
    [
      '{proxiesRefusing: {moreThan: 1}}',
      { facts: { refusing: [{ ...web('web-1'), type: 'CDS', name: 'x', message: 'y' }] } },
      'over',
      expect.anything() as never,
    ],
    [
      '{proxiesBehind: {}}',
      {
        facts: {
          behind: [
            { ...web('web-1'), forMs: 90_000 },
            { ...web('web-2'), forMs: 100_000 },
            { ...web('web-3'), forMs: 1_000 },
          ],
        },
      },
      'holds',
      '2 proxies of shop/web have not answered: web-2 for 1m40s, web-1 for 1m30s',
    ],
    [
      '{proxiesOffline: {}}',
      { facts: { offline: [1, 2, 3, 4, 5].map((n) => ({ ...web(`web-${n}`), forMs: HOUR })) } },
      'holds',
      '5 proxies of shop/web are not connected: web-1 for 1h, web-2 for 1h, web-3 for 1h and 2 more',
    ],
    [
      '{certificateExpiry: {}}',
      {
        facts: {
          certificates: [
            { ...web('web-1'), leftMs: 5 * HOUR, lifeMs: 24 * HOUR },
            { ...web('web-2'), leftMs: -1, lifeMs: 24 * HOUR },
            { ...web('web-3'), leftMs: 7 * HOUR, lifeMs: 24 * HOUR },
          ],
        },
      },
      'holds',
      '2 certificates of shop/web were not renewed: web-2 is over, web-1 ends in 5h',
    ],
    [
      '{certificateExpiry: {remainingPercent: 80}}',
      { facts: { certificates: [{ ...web('web-1'), leftMs: 19 * HOUR, lifeMs: 24 * HOUR }] } },
      'holds',
      'one certificate of shop/web was not renewed: web-1 ends in 19h',
    ],
    [
      '{proxiesBehind: {longerThan: 1s}}',
      { facts: { behind: [{ ...web('web-1'), forMs: BEHIND_FROM_MS }] } },
      'holds',
      'one proxy of shop/web has not answered: web-1 for 10s',
    ],
    [
      '{scope: Mesh, authorityExpiry: {}}',
      { facts: { authorities: [{ mesh: '', purpose: 'token-signing', leftMs: 48 * HOUR }] } },
      'holds',
      'the key that signs proxy tokens ends in 2d, and no other has taken its place',
    ],
    [
      '{scope: Mesh, authorityExpiry: {}}',
      { facts: { authorities: [{ mesh: '', purpose: 'token-signing', leftMs: 0 }] } },
      'holds',
      'the key that signs proxy tokens is over: no token that it has signed is accepted',
    ],
    [
      '{scope: Mesh, authorityExpiry: {}}',
      {
        facts: {
          authorities: [
            { mesh: 'default', purpose: 'intermediate', leftMs: 48 * HOUR },
            { mesh: '', purpose: 'server-root', leftMs: 900 * HOUR },
          ],
        },
      },
      'holds',
      'the issuing certificate of mesh default ends in 2d, and no other has taken its place',
    ],
    [
      '{scope: Mesh, replicaGone: {}}',
      { server: { silent: [{ replica: 'b', forMs: 45_000 }] } },
      'holds',
      'replica b of the control plane has been silent for 45s without saying that it stops',
    ],
    [
      '{scope: Mesh, databaseSlow: {}}',
      { server: { databaseMs: 800 } },
      'holds',
      'Postgres takes 800ms for a trivial statement (alert at more than 500ms): changes and their delivery are late',
    ],
    ['{scope: Mesh, databaseSlow: {}}', { server: { databaseMs: 5 } }, 'over', expect.anything() as never],
    [
      '{scope: Mesh, telemetryIncomplete: {}}',
      {},
      'over',
      '0 % of the telemetry of the last 5m is missing (alert at more than 10 %): nothing can be said of the traffic of that time',
    ],
  ])('%s', async (spec, known, verdict, sentence) => {
    const { samples, others } = await assessed(spec, known);
    expect(samples).toMatchObject([{ verdict, sentence }]);
    expect(others).toBe('over');
  });

  it('a rule of a namespace sees its own proxies, one of the mesh all; each workload is an alert of its own', async () => {
    const refusing = ['shop', 'bank'].map((namespace) => ({
      ...web('web-1', namespace),
      type: 'CDS',
      name: 'x',
      message: 'y',
    }));
    const places = async (spec: string) =>
      (await assessed(spec, { facts: { refusing } })).samples.map(({ labels }) => labels['namespace']);
    expect(await places('{proxiesRefusing: {}}')).toEqual(['shop']);
    expect(await places('{proxiesRefusing: {}, scope: Mesh}')).toEqual(['bank', 'shop']);
  });

  it('are a bounded number of alerts, however many workloads there are', async () => {
    const offline = Array.from({ length: 500 }, (_, n) => ({
      namespace: 'shop',
      workload: `w-${n}`,
      instance: 'i',
      forMs: HOUR,
    }));
    const { samples } = await assessed('{proxiesOffline: {}}', { facts: { offline } });
    expect([samples.length, samples.at(-1)?.labels['workload'], samples.at(-1)?.value]).toEqual([101, 'others', 400]);
  });

  it('certificates are read as far as any rule asks for', () => {
    const [strict, off] = [
      rule('strict', '{certificateExpiry: {remainingPercent: 80}}'),
      rule('off', '{certificateExpiry: {remainingPercent: 99}, enabled: false}'),
    ];
    expect(expiringOf([strict, off, ...builtInRules([strict, off])])).toBe(80);
    const none = [rule('none', '{scope: Mesh, certificateExpiry: {}, enabled: false}')];
    expect([expiringOf(builtInRules([])), expiringOf([...none, ...builtInRules(none)])]).toEqual([25, 0]);
  });

  it('a rule that is switched off says nothing', async () => {
    expect(await assessed('{proxiesRefusing: {}, enabled: false}')).toMatchObject({ state: 'disabled', samples: [] });
  });

  it('without a source of traffic its being incomplete is not known', async () => {
    expect(await assessed('{scope: Mesh, telemetryIncomplete: {}}', { silent: true })).toMatchObject({
      state: 'unknown',
      others: 'unknown',
    });
  });

  it('every condition has a built-in rule, whose place one of scope Mesh takes', () => {
    const all = builtInRules([]).map(({ name }) => name);
    expect(all.toSorted()).toEqual(Object.keys(CONDITION_SCOPES).toSorted());
    const own = [
      rule('mine', '{scope: Mesh, databaseSlow: {}, enabled: false}'),
      rule('ours', '{proxiesRefusing: {}}'),
    ];
    expect(builtInRules(own).map(({ name }) => name)).toEqual(all.filter((name) => name !== 'DatabaseSlow'));
  });
});

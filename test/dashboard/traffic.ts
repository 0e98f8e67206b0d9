/** Traffic, failures, patterns and alerts of the shop, written as collectors and jobs write them. */
import { silentMetrics } from '#libs/kernel';
import type { Pattern, Tracked } from '#libs/patterns';
import { type AlertRow, openStore, type Store } from '#libs/store';
import {
  type EdgeCell,
  type FailureRecord,
  harvestStore,
  type InstanceCell,
  LatencySketch,
  type Outcome,
} from '#libs/telemetry';
import { toStored } from '../../apps/control-plane/src/patterns/stored-pattern.js';

export const HOSTILE = '<img src=x onerror="document.title=\'broken\'"><script>document.title="broken"</script>';

/** What looks at telemetry by itself is off: what is shown is what was written here. */
export const QUIET = ['--telemetry-collector', 'off', '--alerts-every-seconds', '0'] as const;

const BUCKET = 10_000;
const MINUTE = 60_000;
/** Payments fail from then on. Milliseconds ago. */
const TROUBLE_MS = 6 * MINUTE;
const MINUTES = 25;

const took = (...values: readonly number[]): LatencySketch => {
  const sketch = new LatencySketch();
  for (const ms of values) sketch.add(ms);
  return sketch;
};

interface Called {
  readonly caller: string;
  readonly callee: string;
  readonly requests: number;
  readonly route?: string;
  readonly outcome?: Outcome;
  readonly status?: number;
  readonly ms?: number;
}

const edge = (bucket: Pick<EdgeCell, 'at' | 'lengthMs' | 'complete'>, called: Called): EdgeCell => {
  const { caller, callee, requests, route = '', outcome = 'ok', status = 200, ms = 12 } = called;
  return {
    ...{ ...bucket, caller, callee, subset: '', route, outcome, status, requests },
    ...{ attempts: outcome === 'ok' ? requests : requests * 2, latencies: took(ms, ms * 1.5, ms * 4) },
  };
};

const CHARGE = 'HTTPRoute/shop/payments/charge';
const SHOP: readonly Called[] = [
  { caller: 'shop/web', callee: 'shop/orders/8080', requests: 120, route: 'HTTPRoute/shop/orders/0' },
  { caller: 'shop/web', callee: 'shop/catalog/8080', requests: 300 },
  { caller: 'shop/orders-blue', callee: 'shop/payments/8080', requests: 90, route: CHARGE },
  { caller: 'shop/orders-blue', callee: 'shop/payments/8080', requests: 140, route: 'HTTPRoute/shop/payments/quote' },
  { caller: 'shop/orders-green', callee: 'shop/payments/8080', requests: 12 },
  { caller: 'shop/catalog', callee: 'warehouse/stock/8080', requests: 280 },
  { caller: '', callee: 'warehouse/stock/8080', requests: 3 },
];
const TROUBLE: readonly Called[] = [
  {
    ...{ caller: 'shop/orders-blue', callee: 'shop/payments/8080', requests: 30, route: CHARGE },
    ...{ outcome: 'timeout', status: 504, ms: 4000 },
  },
  {
    caller: 'shop/web',
    callee: 'shop/orders/8080',
    requests: 28,
    outcome: 'error',
    status: 500,
    route: 'HTTPRoute/shop/orders/0',
  },
];

const instance = (
  bucket: Pick<EdgeCell, 'at' | 'lengthMs' | 'complete'>,
  name: string,
  callee: string,
): InstanceCell => ({
  ...{ ...bucket, callee, instance: name, version: 'v1', zone: 'a', outcome: 'ok', attempts: 60, latencies: took(5) },
});

const failure = (at: number, i: number, more: Partial<FailureRecord> = {}): FailureRecord => ({
  ...{ at, what: 'request', requestId: `request-${i}`, caller: 'shop/orders-blue' },
  ...{ callerInstance: 'shop/orders-blue/orders-blue-1', callee: 'shop/payments/8080', subset: '' },
  ...{ instance: 'shop/payments/payments-1', route: CHARGE, outcome: 'timeout', status: 504, flags: 'UT' },
  ...{ details: 'response_timeout', method: 'POST', path: `/charge/${i}`, durationMs: 4_000, attempt: 1, ...more },
});

export class Traffic {
  readonly now = Math.floor(Date.now() / BUCKET) * BUCKET;

  private constructor(private readonly store: Store) {}

  /** @param url of the database of a control plane that runs with `QUIET` */
  static async of(url: string): Promise<Traffic> {
    return new Traffic(await openStore({ url, replica: 'traffic' }));
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  get trouble(): number {
    return this.now - TROUBLE_MS;
  }

  /** 25 minutes of requests up to now. Payments fail for the last six; of two minutes before something was dropped. */
  async write(): Promise<void> {
    const harvests = harvestStore({ signals: this.store.signals, metrics: silentMetrics });
    for (let at = this.now - MINUTES * MINUTE; at < this.now; at += BUCKET) {
      const complete = at < this.now - 10 * MINUTE || at >= this.now - 8 * MINUTE;
      const bucket = { at, lengthMs: BUCKET, complete };
      const called = at >= this.trouble ? [...SHOP, ...TROUBLE] : SHOP;
      const instances = [
        ...['orders-blue/orders-blue-1', 'orders-blue/orders-blue-2', 'orders-green/orders-green-1'].map((name) =>
          instance(bucket, `shop/${name}`, 'shop/orders/8080'),
        ),
        instance(bucket, 'shop/payments/payments-1', 'shop/payments/8080'),
        instance(bucket, 'shop/catalog/catalog-1', 'shop/catalog/8080'),
        instance(bucket, 'warehouse/stock/stock-1', 'warehouse/stock/8080'),
      ];
      const edges = called.map((one) => edge(bucket, one));
      const last = at + BUCKET >= this.now;
      await harvests.write({
        ...{ mesh: 'default', source: 'test', edges, instances, zones: [] },
        failures: last ? this.#failures() : [],
      });
    }
    await this.store.plaintext.report([
      { mesh: 'default', node: 'default/warehouse/stock/stock-1', port: 'http', requests: 4 },
    ]);
  }

  #failures(): readonly FailureRecord[] {
    const timeouts = Array.from({ length: 130 }, (_, i) => failure(this.now - 2_000 - i * 1_000, i));
    return [
      failure(this.now - 1_000, 900, {
        ...{ path: `/${HOSTILE}`, details: HOSTILE, flags: 'UC', outcome: 'reset', status: 503, method: 'GET' },
      }),
      failure(this.now - 1_500, 901, {
        ...{ caller: 'shop/catalog', callerInstance: 'shop/catalog/catalog-1', callee: 'warehouse/stock/8080' },
        ...{ instance: 'warehouse/stock/stock-1', outcome: 'reset', status: 503, flags: 'UC', path: '/stock' },
      }),
      ...timeouts,
    ];
  }

  /** Calls in the newest bucket that has ended. @param times as many as usual */
  async calls(pairs: readonly (readonly [caller: string, callee: string])[], times = 1): Promise<void> {
    const harvests = harvestStore({ signals: this.store.signals, metrics: silentMetrics });
    const at = Math.floor(Date.now() / BUCKET) * BUCKET - BUCKET;
    const bucket = { at, lengthMs: BUCKET, complete: true };
    const edges = pairs.map(([caller, callee], i) =>
      edge(bucket, { caller, callee: `${callee}/8080`, requests: (20 + (i % 90)) * times }),
    );
    const source = `calls-${times}`;
    await harvests.write({ mesh: 'default', source, edges, instances: [], zones: [], failures: [] });
  }

  /** @param change what is suspected */
  async name(change: string): Promise<void> {
    const lease = await this.store.leases.take('failure-patterns', 'traffic', 600_000);
    if (lease === undefined) throw new Error('somebody else looks for patterns');
    const patterns = [this.#timeouts(change), this.#past()].map((one) => toStored('default', one));
    await this.store.patterns.save(lease, 'default', { at: this.now, patterns });
  }

  #timeouts(change: string): Tracked {
    const since = this.trouble;
    const pattern: Pattern = {
      ...{ name: 'timeout_too_short', since, until: this.now, ongoing: true, confidence: 0.93 },
      scope: { callees: ['shop/payments/8080'], callers: ['shop/orders-blue'] },
      ...{ failedRequests: 1_080, failedAttempts: 2_160, shareOfScope: 0.98, shareOfAll: 0.52 },
      facts: [
        { kind: 'outcomes', counts: { timeout: 1_080 } },
        { kind: 'ratio', of: 'latency p99', now: 4_000, usual: 48, unit: 'ms' },
        {
          kind: 'share',
          of: 'from shop/orders-blue',
          failed: 30,
          total: 120,
          beside: { of: 'from all others', failed: 0, total: 12 },
        },
        { kind: 'series', from: since, bucketMs: BUCKET, failed: [0, 12, 30, 31, 29, 30] },
      ],
      sentence: `payments does not answer shop/orders-blue within 4 s ${HOSTILE}`,
      upstream: ['shop/orders/8080'],
      suspects: [
        {
          ...{ kind: 'change', id: change, title: 'Nobody waits for payments for ever', at: since - 20_000 },
          ...{ score: 0.71, why: 'It set the timeout of payments 20 s before.', reversible: true, events: [change] },
        },
        {
          ...{ kind: 'churn', id: 'shop/payments/payments-1', title: 'payments-1 was not ready', at: since - 90_000 },
          ...{ score: 0.12, why: 'It came back shortly before.', reversible: false },
          events: ['shop/payments/payments-1'],
        },
      ],
    };
    return tracked('timeouts', pattern);
  }

  #past(): Tracked {
    const since = this.now - 50 * MINUTE;
    const pattern: Pattern = {
      ...{ name: 'bad_host', since, until: since + 5 * MINUTE, ongoing: false, confidence: 0.8 },
      scope: { callees: ['warehouse/stock/8080'], instances: ['warehouse/stock/stock-1'] },
      ...{ failedRequests: 12, failedAttempts: 40, shareOfScope: 1, shareOfAll: 0.02, facts: [] },
      ...{ sentence: 'stock-1 fails a third of what it is sent', upstream: [], suspects: [] },
    };
    return { ...tracked('past', pattern), state: 'over', overAt: since + 6 * MINUTE };
  }

  /** One that fires, one that is pending, one that is over. */
  async alarm(): Promise<void> {
    const lease = await this.store.leases.take('alerts', 'traffic', 600_000);
    if (lease === undefined) throw new Error('somebody else looks at alerts');
    const fired = this.trouble + MINUTE;
    const rows = [
      alert(
        'payments-failing',
        { namespace: 'shop', service: 'payments' },
        { firingAt: fired, pendingAt: this.trouble },
      ),
      alert(
        'orders-slow',
        { namespace: 'shop', service: 'orders', severity: 'warning' },
        { state: 'pending', pendingAt: fired },
      ),
      alert(
        'stock-away',
        { namespace: 'warehouse' },
        { state: 'resolved', firingAt: fired - 9 * MINUTE, resolvedAt: fired },
      ),
    ];
    const events = rows.filter(({ state }) => state !== 'pending').map((one) => ({ state: one.state, alert: one }));
    await this.store.alerts.commit(lease, {
      ...{ mesh: 'default', put: rows, removed: [], events, groups: [], removedGroups: [], notifications: [] },
    });
  }
}

const tracked = (id: string, pattern: Pattern): Tracked => ({
  ...{ id, pattern, state: 'active', since: pattern.since, activeAt: pattern.since + 20_000, overAt: undefined },
  ...{ formerNames: [], found: 9, missed: 0, renaming: undefined },
});

export const fingerprintOf = (name: string): string => Buffer.from(name).toString('hex').slice(0, 32);

const alert = (name: string, labels: Readonly<Record<string, string>>, more: Partial<AlertRow>): AlertRow => ({
  ...{ mesh: 'default', fingerprint: fingerprintOf(name), state: 'firing' },
  rule: { kind: 'AlertRule', namespace: labels['namespace'] ?? '', name },
  labels: { alertname: name, severity: 'critical', ...labels },
  ...{ pendingAt: 0, firingAt: 0, resolvedAt: 0, seenAt: 0, heldMs: 0, overMs: -1, unknownMs: 0 },
  ...{ value: 25, threshold: 5, unit: '%', sentence: `25 % of the requests fail ${HOSTILE}` },
  ...{ description: 'Look at the last change of payments.', runbook: '', ending: '' },
  ...more,
});

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Metrics } from '#libs/kernel';
import type { InstanceRow, StoredResource } from '#libs/store';
import type { LogEntry } from '../access-logs/log-entry.js';
import { BUCKET_MS, type Harvest } from '../model/index.js';
import { logMessage } from '../testing/log-message.js';
import { reportMessage } from '../testing/messages.js';
import { Collector, WAIT_MS } from './collector.js';
import { LiveRoom } from './live-room.js';
import { MeshNames } from './mesh-names.js';

const START = 1_800_000_000_000;
const FRONT = 'm/shop/front/front-1';
const BACK = 'm/shop/back/back-1';
const TO_BACK: Partial<LogEntry> = {
  ...{ cluster: 'shop/back/8080', route: 'HTTPRoute/shop/back/0', upstream: '10.0.0.1:8080', details: 'via_upstream' },
  ...{ attempt: 1, status: 200, durationMs: 20, host: 'back' },
};

const service = (name: string): StoredResource => ({
  ...{ uid: name, mesh: 'm', kind: 'Service', namespace: 'shop', name, apiVersion: 'heddle.dev/v1alpha1' },
  ...{ labels: {}, annotations: {}, spec: { ports: [{ name: 'http', port: 8080, protocol: 'http' }] } },
  ...{ version: 1, createdRevision: 1, updatedRevision: 1, createdAt: '', updatedAt: '' },
});

const instance = (workload: string, address: string, version: string, zone: string): InstanceRow => ({
  ...{ mesh: 'm', namespace: 'shop', workload, name: `${workload}-1`, labels: { workload, version } },
  ...{ bind: { address, ports: { http: 8080 } }, app: { address: '127.0.0.1', ports: { http: 8080 } } },
  ...{ advertised: address, outbound: { address: '127.1.0.1', httpPort: 15_001 }, host: 'h' },
  ...{ locality: { region: 'r', zone }, uid: workload, features: [], envoyVersion: '', attached: [] },
  ...{ routable: true, leaving: false, detachedAt: 0, runtimeRevision: 1 },
});

let harvests: Harvest[];
let names: MeshNames;
let metrics: Metrics;
let counted: Map<string, number>;
let collector: Collector;
/** The control plane's clock. */
let now: number;
/** Start of the bucket in which what a test does begins. */
let bucketAt: number;

beforeEach(() => {
  [harvests, counted, now] = [[], new Map(), START];
  names = new MeshNames();
  names.onEvent({
    kind: 'snapshot',
    snapshot: {
      ...{ configRevision: 1, runtimeRevision: 1, resources: [service('back')], addresses: new Map(), candidates: [] },
      instances: [instance('front', '10.0.0.9', 'v1', 'z1'), instance('back', '10.0.0.1', 'v7', 'z2')],
    },
  });
  metrics = {
    count: (name, labels = {}, by = 1) => {
      const key = [name, ...Object.values(labels)].join(' ');
      counted.set(key, (counted.get(key) ?? 0) + by);
    },
    gauge: () => {},
    observe: () => {},
  };
  collector = new Collector({ source: 's', names, metrics, onHarvest: (harvest) => harvests.push(harvest) });
  open(START);
});

const tell = (node: string, log: string, ...entries: Partial<LogEntry>[]): void =>
  collector.take({ kind: 'log', node, log: `${log};1/16`, bytes: logMessage(entries) }, now);

const count = (families: Readonly<Record<string, number>>, cluster = 'shop/back/8080', node = FRONT): void =>
  collector.take(
    {
      ...{ kind: 'metrics', node, log: '' },
      bytes: reportMessage({
        families: Object.fromEntries(
          Object.entries(families).map(([name, value]) => [`cluster.${cluster}.upstream_rq_${name}`, value]),
        ),
      }),
    },
    now,
  );

/** A bucket begins with a report, so that what is counted next is of this bucket. */
function open(start: number): void {
  [bucketAt, now] = [start, start + 100];
  collector.tick(now);
  count({});
  now = start + 6_000;
}

/** The bucket is over, and another one begins. */
function close(): void {
  open(bucketAt + 2 * BUCKET_MS);
}

/** `<caller> <callee> <route's last part> <outcome> <status> <requests>/<attempts>` */
const edges = (): string[] =>
  harvests.flatMap((harvest) =>
    harvest.edges.map(
      ({ caller, callee, route, outcome, status, requests, attempts }) =>
        `${caller} ${callee} ${route.split('/').at(-1)} ${outcome} ${status} ${requests}/${attempts}`,
    ),
  );

const instances = (): string[] =>
  harvests.flatMap((harvest) =>
    harvest.instances.map(
      ({ instance: id, version, zone, outcome, attempts }) => `${id} ${version} ${zone} ${outcome} ${attempts}`,
    ),
  );

describe('counts and the sample', () => {
  it('without counters a sampled request stands for sixteen', () => {
    tell(FRONT, 'request', TO_BACK, { ...TO_BACK, status: 404 });
    tell(FRONT, 'attempt', { ...TO_BACK, details: '' });
    close();
    expect(edges()).toEqual(['shop/front shop/back/8080 0 ok 200 16/16', 'shop/front shop/back/8080 0 ok 404 16/16']);
    expect(instances()).toEqual(['shop/back/back-1 v7 z2 ok 32']);
    expect(harvests[0]?.zones).toMatchObject([{ callerZone: 'z1', calleeZone: 'z2', attempts: 32 }]);
  });

  it('with counters there are as many as were counted, split by class and as the sample is', () => {
    tell(FRONT, 'request', TO_BACK, { ...TO_BACK, status: 404 });
    tell(FRONT, 'attempt', { ...TO_BACK, details: '' });
    count({ '2xx': 103, '4xx': 5 });
    close();
    expect(edges()).toEqual(['shop/front shop/back/8080 0 ok 200 103/103', 'shop/front shop/back/8080 0 ok 404 5/5']);
    expect(instances()).toEqual(['shop/back/back-1 v7 z2 ok 108']);
  });

  it('what is counted and never sampled is known by what was sampled before, or not at all', () => {
    count({ '2xx': 7 });
    close();
    tell(FRONT, 'request', TO_BACK);
    count({ '2xx': 9 });
    close();
    count({ '2xx': 11 });
    close();
    expect(edges().map((row) => row.replace('shop/front shop/back/8080', '').trim())).toEqual([
      'ok 200 7/7',
      '0 ok 200 9/9',
      '0 ok 200 11/11',
    ]);
  });

  it('an upgrade, which is not counted, stands for sixteen', () => {
    tell(FRONT, 'request', { ...TO_BACK, status: 101 });
    count({ '2xx': 1 });
    close();
    expect(edges()).toEqual(['shop/front shop/back/8080  ok 200 1/1', 'shop/front shop/back/8080 0 ok 101 16/16']);
  });

  it('failures are exact: each stands for itself, and is no success', () => {
    tell(FRONT, 'request', { ...TO_BACK, status: 500 }, { ...TO_BACK, status: 429 });
    tell(FRONT, 'attempt', { ...TO_BACK, status: 500 }, { ...TO_BACK, status: 429 });
    count({ '2xx': 10, '4xx': 1, '5xx': 1 });
    close();
    expect(edges()).toEqual([
      'shop/front shop/back/8080 0 error 500 1/1',
      'shop/front shop/back/8080 0 throttled 429 1/1',
      'shop/front shop/back/8080  ok 200 10/10',
    ]);
  });

  it('a failure whose count comes with the next bucket is one failure', () => {
    tell(FRONT, 'request', { ...TO_BACK, status: 500 });
    close();
    count({ '5xx': 1 });
    close();
    count({ '2xx': 1 });
    close();
    expect(edges().filter((row) => !row.includes(' ok '))).toEqual(['shop/front shop/back/8080 0 error 500 1/0']);
  });

  it('a refusal whose count comes with the bucket before is no other answer', () => {
    count({ '4xx': 1 });
    close();
    tell(FRONT, 'request', { ...TO_BACK, status: 429 });
    close();
    close();
    expect(edges()).toEqual(['shop/front shop/back/8080 0 throttled 429 1/0']);
  });

  it('a failure that was counted and never told of is found a bucket later', () => {
    count({ '5xx': 3, retry: 2 });
    close();
    count({ '2xx': 1 });
    close();
    expect(edges()).toContain('shop/front shop/back/8080  other 500 3/5');
  });

  it('a request that failed twice and then went well is one request, two failed attempts and a good one', () => {
    const failing = { ...TO_BACK, status: 503, details: '', requestId: 'f-1' };
    tell(FRONT, 'attempt', failing, { ...failing, attempt: 2 }, { ...failing, attempt: 3, status: 200 });
    count({ '2xx': 1, retry: 2 });
    close();
    expect(edges()).toEqual(['shop/front shop/back/8080 0 error 503 0/2', 'shop/front shop/back/8080  ok 200 1/1']);
    expect(instances()).toEqual(['shop/back/back-1 v7 z2 error 2', 'shop/back/back-1 v7 z2 ok 1']);
  });

  it('sums of cells are what was told and counted, whatever was', () => {
    const failure = fc.constantFrom<Partial<LogEntry>>(
      { status: 500 },
      { status: 503, flags: ['UF'], details: 'x' },
      { status: 429 },
      { status: 0, flags: ['DC'], details: 'downstream_remote_disconnect' },
    );
    const bucket = fc.record({
      good: fc.nat(200),
      sampled: fc.nat(20),
      failures: fc.array(failure, { maxLength: 20 }),
      histogram: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(bucket, { minLength: 1, maxLength: 5 }), (buckets) => {
        harvests.length = 0;
        open(bucketAt + 3_600_000);
        for (const { good, sampled, failures } of buckets) {
          const answered = failures.filter(({ status }) => status !== 0);
          tell(FRONT, 'request', ...Array.from({ length: Math.min(good, sampled) }, () => TO_BACK));
          tell(FRONT, 'request', ...failures.map((fields) => ({ ...TO_BACK, ...fields })));
          tell(FRONT, 'attempt', ...failures.map((fields) => ({ ...TO_BACK, ...fields, details: '' })));
          const of = (digit: number): number =>
            answered.filter(({ status = 0 }) => Math.floor(status / 100) === digit).length;
          count({ '2xx': good, '4xx': of(4), '5xx': of(5) });
          close();
        }
        const all = harvests.flatMap((harvest) => harvest.edges);
        const sum = (rows: readonly { requests?: number; attempts: number }[], of: 'requests' | 'attempts'): number =>
          rows.reduce((total, row) => total + (row[of] ?? 0), 0);
        const expected = buckets.reduce((total, { good, failures }) => total + good + failures.length, 0);
        expect(sum(all, 'requests')).toBe(expected);
        expect(sum(all, 'attempts')).toBe(expected);
        expect(
          sum(
            harvests.flatMap((harvest) => harvest.instances),
            'attempts',
          ),
        ).toBe(expected);
        expect(
          sum(
            harvests.flatMap((harvest) => harvest.zones),
            'attempts',
          ),
        ).toBe(expected);
      }),
      { numRuns: 100 },
    );
  });
});

describe('both ends', () => {
  const denied: Partial<LogEntry> = { ...TO_BACK, status: 403, requestId: 'r-1' };
  const served: Partial<LogEntry> = {
    ...{ status: 403, requestId: 'r-1', attempt: 1, peer: 'spiffe://m.heddle.local/shop/front', host: 'back' },
    ...{ details: 'rbac_access_denied_matched_policy[none]' },
  };

  it.each(['caller first', 'callee first'])('what the callee did is the outcome of the caller: %s', (order) => {
    const both = [() => tell(FRONT, 'request', denied), () => tell(BACK, 'served', served)];
    for (const say of order === 'caller first' ? both : both.toReversed()) say();
    tell(FRONT, 'attempt', { ...denied, details: '' });
    close();
    expect(edges()).toEqual(['shop/front shop/back/8080 0 denied 403 1/1']);
    expect(harvests[0]?.failures.map(({ what, outcome }) => [what, outcome])).toEqual([
      ['request', 'denied'],
      ['attempt', 'denied'],
    ]);
  });

  it('a 403 of the application is its answer, and counts once', () => {
    tell(FRONT, 'request', denied);
    tell(FRONT, 'attempt', { ...denied, details: '' });
    tell(BACK, 'served', { ...served, details: 'via_upstream' });
    count({ '4xx': 1 });
    close();
    expect(edges()).toEqual(['shop/front shop/back/8080 0 ok 403 1/1']);
  });

  it('an attempt that was cut is what its request was', () => {
    const slow = { ...TO_BACK, requestId: 'r-2', status: 504, flags: ['UT'], details: 'response_timeout' };
    tell(FRONT, 'attempt', { ...slow, status: 0, flags: [], details: '' });
    tell(FRONT, 'request', slow);
    close();
    expect(edges()).toEqual([
      'shop/front shop/back/8080 0 timeout 0 0/1',
      'shop/front shop/back/8080 0 timeout 504 1/0',
    ]);
  });

  it('a connection that a callee ends because it does not accept the certificate is `tls`', () => {
    const ended = { ...TO_BACK, status: 0, flags: ['UC'], details: '' };
    tell(FRONT, 'attempt', ended);
    const families = { 'listener.10.0.0.1_8080.ssl.fail_verify_error': 1 };
    collector.take({ kind: 'metrics', node: BACK, log: '', bytes: reportMessage({ families }) }, now);
    tell(FRONT, 'attempt', { ...ended, upstream: '10.0.0.2:8080' });
    close();
    expect(instances()).toEqual(['shop/back/back-1 v7 z2 tls 1', '10.0.0.2:8080   reset 1']);
  });

  it('who was denied and tells nothing is told of by the callee, by the verified identity', () => {
    tell(BACK, 'served', { ...served, peer: 'spiffe://m.heddle.local/other/thief' });
    close();
    expect(edges()).toEqual(['other/thief shop/back/8080  denied 403 1/1']);
    expect(harvests[0]?.failures).toMatchObject([
      { caller: 'other/thief', callerInstance: '', instance: 'shop/back/back-1' },
    ]);
  });

  it('who calls in plaintext has no name', () => {
    const plain = { status: 200, details: 'via_upstream', cluster: 'inbound/http', host: 'back' };
    tell(BACK, 'served', plain, { ...plain, status: 500 });
    close();
    expect(edges()).toEqual([' shop/back/8080  error 500 1/1', ' shop/back/8080  ok 200 16/16']);
  });

  it('requests that reached nobody are of the service that was meant', () => {
    tell(FRONT, 'request', { status: 503, flags: ['UH'], host: 'back.shop.m.mesh', details: 'no_healthy_upstream' });
    tell(FRONT, 'request', { status: 404, flags: ['NR'], host: 'nobody', details: 'route_not_found' });
    close();
    expect(edges()).toEqual(['shop/front shop/back/8080  no_instance 503 1/0', 'shop/front   no_route 404 1/0']);
  });
});

describe('time', () => {
  it.each([0, 86_400_000, -86_400_000, 900_000_000_000])(
    'REL-29 a sidecar whose clock is %i ms off bends nothing',
    (offMs) => {
      tell(FRONT, 'request', { ...TO_BACK, status: 500, startedAt: now + offMs });
      close();
      expect(harvests.map((harvest) => harvest.edges[0]?.at)).toEqual([START]);
      expect(harvests[0]?.failures[0]?.at).toBe(START + 6_000 - 20);
    },
  );

  it('what ended just before its message came is of the bucket in which it ended', () => {
    tell(FRONT, 'request', { ...TO_BACK, status: 500 });
    now = START + BUCKET_MS + 500;
    tell(FRONT, 'request', { ...TO_BACK, status: 500, startedAt: now - 1_000 });
    close();
    expect(harvests.flatMap((harvest) => harvest.edges.map(({ at, requests }) => [at, requests]))).toEqual([
      [START, 2],
    ]);
  });

  it('counts are of the buckets in which they were counted', () => {
    count({ '2xx': 10 });
    now += 5_000;
    // Of the five seconds of this report four are in the first bucket.
    count({ '2xx': 50 });
    close();
    close();
    expect(harvests.map((harvest) => harvest.edges.map(({ requests }) => requests))).toEqual([[50], [10]]);
  });

  it('each bucket is handed over once, when it is over, or at the end', () => {
    tell(FRONT, 'request', TO_BACK);
    now = START + BUCKET_MS + WAIT_MS - 1;
    collector.tick(now);
    expect(harvests).toEqual([]);
    tell(FRONT, 'request', TO_BACK);
    collector.flush();
    collector.flush();
    expect(harvests.map((harvest) => harvest.edges[0]?.at)).toEqual([START, START + BUCKET_MS]);
  });

  it('REL-35 a gap makes the buckets that it touches incomplete, and no others', () => {
    for (let i = 0; i < 3; i++) {
      tell(FRONT, 'request', TO_BACK);
      if (i === 1) collector.missed(now + 1_000, now + 2_000);
      now += BUCKET_MS;
    }
    collector.flush();
    expect(harvests.map((harvest) => harvest.edges[0]?.complete)).toEqual([true, false, true]);
  });
});

describe('what does harm to nobody', () => {
  it('SEC-1 SEC-10 a service that nobody has is `other`', () => {
    tell(FRONT, 'request', { ...TO_BACK, cluster: 'shop/invented/8080', status: 500 });
    count({ '2xx': 1_000 }, 'shop/invented/8080');
    close();
    expect(edges()).toEqual(['shop/front other 0 error 500 1/0']);
  });

  it('SEC-9 rows have a budget, and sums are still right', () => {
    for (let i = 0; i < 500; i++) {
      tell(FRONT, 'request', { ...TO_BACK, status: 500, route: `HTTPRoute/shop/invented-${i}/0` });
    }
    close();
    const [harvest] = harvests;
    expect(harvest?.edges.length).toBeLessThanOrEqual(201);
    expect(harvest?.edges.reduce((sum, { requests }) => sum + requests, 0)).toBe(500);
    expect(harvest?.failures.length).toBe(50);
    expect(counted.get('heddle_telemetry_beyond_budget_total failures')).toBe(450);
  });

  it('SEC-9 what is open has room for all meshes together, and leaves it; what finds none is of `other`, and counted', () => {
    const room = new LiveRoom(1_000_000);
    const telling = { source: 's', names, metrics, onHarvest: (harvest: Harvest) => void harvests.push(harvest) };
    collector = new Collector({ ...telling, room });
    open(START);
    const fill = (mesh: string, from: number): void => {
      for (let i = from; i < from + 3_000; i++) {
        const failing = { ...TO_BACK, status: 500, route: `HTTPRoute/shop/invented-${i}/0`, requestId: `r-${i}` };
        tell(`${mesh}/shop/front/front-1`, 'request', failing, { ...failing, status: 200, durationMs: i % 100 });
        tell(`${mesh}/shop/front/front-1`, 'attempt', failing, { ...failing, status: 200, upstream: `10.1.${i}.1:1` });
        expect(room.bytes).toBeLessThan(1_050_000);
      }
    };
    fill('m', 0);
    expect(room.bytes).toBeGreaterThan(700_000);
    // Another mesh has its part all the same.
    for (let i = 0; i < 50; i++) tell('n/shop/front/front-1', 'request', { ...TO_BACK, status: 500 });
    fill('m', 3_000);
    close();
    expect(counted.get('heddle_telemetry_beyond_budget_total memory')).toBeGreaterThan(1_000);
    const failed = (mesh: string): number =>
      harvests
        .flatMap((harvest) => (harvest.mesh === mesh ? harvest.edges : []))
        .reduce((sum, { outcome, requests }) => sum + (outcome === 'ok' ? 0 : requests), 0);
    expect([failed('m'), failed('n')]).toEqual([6_000, 50]);
    close();
    close();
    expect(room.bytes).toBe(0);
  });

  it('SEC-7 bytes that are no message are counted, and take nothing else along', () => {
    tell(FRONT, 'request', TO_BACK);
    collector.take({ kind: 'log', node: FRONT, log: 'request;1/16', bytes: Buffer.from([0xff, 0xff]) }, now);
    collector.take({ kind: 'metrics', node: FRONT, log: '', bytes: Buffer.from([0x12, 0x7f]) }, now);
    collector.take({ kind: 'log', node: FRONT, log: 'request;1/1000000', bytes: logMessage([TO_BACK]) }, now);
    collector.take({ kind: 'log', node: '../..', log: 'request;1/16', bytes: logMessage([TO_BACK]) }, now);
    close();
    expect(edges()).toEqual(['shop/front shop/back/8080 0 ok 200 16/16']);
    const ignored = ['malformed', 'log', 'node'].map((reason) =>
      counted.get(`heddle_telemetry_ignored_total ${reason}`),
    );
    expect(ignored).toEqual([2, 1, 1]);
  });
});

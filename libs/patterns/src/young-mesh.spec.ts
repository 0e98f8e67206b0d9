import { describe, expect, it } from 'vitest';
import { type EdgeCell, type InstanceCell, LatencySketch, type Outcome } from '#libs/telemetry';
import { emptyBaseline } from './facts/baseline.js';
import { findPatterns } from './find-patterns.js';
import type { PatternName } from './names.js';
import { BUCKET_MS, calleeOf, hostOf, workloadOf } from './testing/observed.js';
import { type Tracked, track } from './track.js';

/**
 * A mesh of which nothing is known but the last minutes, as sidecars tell of it: a request and its attempts in cells of their own where
 * they failed, and another name for a route from when on a policy names it. Three faults follow one another, the next as the one before ends.
 */
const START = 1_700_000_040_000;
const QUIET = 12;
const LASTS = 4;

interface Cells {
  readonly edges: EdgeCell[];
  readonly instances: InstanceCell[];
}
interface Sent {
  readonly bucket: number;
  readonly from: string;
  readonly to: string;
  readonly route: string;
  readonly outcome: Outcome;
  readonly requests: number;
  readonly ms: number;
  /** Whose attempts; none = never sent. */
  readonly hosts: readonly string[];
}

const took = (ms: number, count: number): LatencySketch => {
  const sketch = new LatencySketch();
  sketch.add(ms, count);
  return sketch;
};

function cellsOf({ bucket, from, to, route, outcome, requests, ms, hosts }: Sent): Cells {
  const at = { at: START + bucket * BUCKET_MS, lengthMs: BUCKET_MS, complete: true };
  const edge = { ...at, caller: workloadOf(from), callee: calleeOf(to), subset: '', route, outcome };
  const attempts = hosts.length > 0 ? requests : 0;
  const sketch = took(ms, requests);
  const edges: EdgeCell[] =
    outcome === 'timeout'
      ? [
          { ...edge, status: 0, requests: 0, attempts, latencies: new LatencySketch() },
          { ...edge, status: 504, requests, attempts: 0, latencies: sketch },
        ]
      : [{ ...edge, status: outcome === 'ok' ? 200 : 503, requests, attempts, latencies: sketch }];
  const instances = hosts.map((host) => ({
    ...{ ...at, callee: calleeOf(to), instance: hostOf(to, host), version: 'v1', zone: '', outcome },
    ...{ attempts: requests / hosts.length, latencies: took(ms, requests / hosts.length) },
  }));
  return { edges, instances };
}

const CATALOG = ['catalog-1', 'catalog-2'];
const WEB = ['web-1', 'web-2'];
const PAYMENTS = ['payments-1', 'payments-2'];
const ok = { outcome: 'ok', ms: 8 } as const;
const named = (service: string) => `Service/shop/${service}/default`;

/** Few requests that succeed, before anything fails. */
const usual = (bucket: number): Sent[] => [
  { bucket, from: 'web', to: 'catalog', route: named('catalog'), requests: 40, hosts: CATALOG, ...ok },
  { bucket, from: 'web', to: 'payments', route: named('payments'), requests: 40, hosts: PAYMENTS, ...ok },
  { bucket, from: 'orders', to: 'web', route: '', requests: 5, hosts: WEB, ...ok, ms: 83 },
];

/** `web` calls `catalog`, one of whose hosts refuses; what it refuses is refused at once, so that it is much. */
const badHost = (bucket: number): Sent[] => {
  const edge = { bucket, from: 'web', to: 'catalog', route: named('catalog') };
  return [
    { ...edge, ...ok, requests: 1_400, hosts: ['catalog-1'] },
    { ...edge, outcome: 'refused', ms: 3, requests: 1_700, hosts: ['catalog-2'] },
  ];
};

const tooShort = (bucket: number): Sent[] => [
  {
    ...{ bucket, from: 'orders', to: 'web', route: named('web'), outcome: 'timeout' as const },
    ...{ ms: 40, requests: 800, hosts: WEB },
  },
];

const refused = (bucket: number): Sent[] => [
  {
    ...{ bucket, from: 'web', to: 'payments', route: named('payments'), outcome: 'denied' as const },
    ...{ ms: 1, requests: 4_000, hosts: PAYMENTS },
  },
];

interface Fault {
  readonly sends: (bucket: number) => Sent[];
  readonly name: PatternName;
  readonly callee: string;
}
const FAULTS = {
  badHost: { sends: badHost, name: 'bad_host', callee: calleeOf('catalog') },
  tooShort: { sends: tooShort, name: 'timeout_too_short', callee: calleeOf('web') },
  refused: { sends: refused, name: 'authorization', callee: calleeOf('payments') },
} satisfies Record<string, Fault>;

const services = [
  { callee: calleeOf('web'), hosts: WEB },
  { callee: calleeOf('catalog'), hosts: CATALOG },
  { callee: calleeOf('payments'), hosts: PAYMENTS },
  { callee: calleeOf('orders'), hosts: ['orders-1'] },
].map(({ callee, hosts }) => {
  const name = callee.split('/')[1] ?? '';
  return {
    callee,
    workloads: [workloadOf(name)],
    instances: hosts.map((host) => ({ instance: hostOf(name, host), version: 'v1', zone: '' })),
  };
});

/** What was active after each bucket of each fault. */
function told(faults: readonly Fault[]): Tracked[][] {
  const all: Cells[] = [];
  const after: Tracked[][] = [];
  let tracked: Tracked[] = [];
  const look = (sent: readonly Sent[]): void => {
    all.push(...sent.map(cellsOf));
    const at = START + (after.length + 1) * BUCKET_MS;
    tracked = track(
      tracked,
      findPatterns({
        ...{ at, bucketMs: BUCKET_MS, buckets: 60, baseline: emptyBaseline, events: [], services },
        edges: all.flatMap(({ edges }) => edges),
        instances: all.flatMap(({ instances }) => instances),
        zones: [],
      }),
      at,
    );
    after.push(tracked.filter(({ state }) => state === 'active'));
  };
  for (let i = 0; i < QUIET; i += 1) look(i >= QUIET - 2 ? usual(i) : []);
  for (const fault of faults) for (let i = 0; i < LASTS; i += 1) look(fault.sends(after.length));
  return after;
}

describe('faults that follow one another in a young mesh', () => {
  const { badHost: host, tooShort: short, refused: policy } = FAULTS;
  it.each([
    ['a host that refuses first', [host, short, policy]],
    ['a host that refuses last', [short, policy, host]],
    ['a refusal first', [policy, host, short]],
  ] as [string, Fault[]][])('are named each: %s', (_, faults) => {
    const after = told(faults);
    for (const [i, { name, callee }] of faults.entries()) {
      // Two buckets after it began, and until it ends.
      for (let bucket = 1; bucket < LASTS; bucket += 1) {
        const active = after[QUIET + i * LASTS + bucket] ?? [];
        const ours = active.filter(({ pattern }) => pattern.scope.callees.includes(callee));
        expect(ours.map(({ pattern }) => pattern.name)).toContain(name);
      }
    }
  });

  it('count what failed once', () => {
    const [pattern] = (told([short]).at(-1) ?? []).map((one) => one.pattern);
    // Beyond the usual, which is not none where nothing is known.
    for (const failed of [pattern?.failedRequests ?? 0, pattern?.failedAttempts ?? 0]) {
      expect(failed).toBeGreaterThan(LASTS * 800 * 0.98);
      expect(failed).toBeLessThanOrEqual(LASTS * 800);
    }
  });
});

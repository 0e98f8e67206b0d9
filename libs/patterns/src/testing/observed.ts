import {
  type EdgeCell,
  type InstanceCell,
  LatencySketch,
  type Outcome,
  type TimelineEvent,
  type ZoneCell,
} from '#libs/telemetry';
import { baselineOf } from '../facts/usual-minutes.js';
import { findPatterns } from '../find-patterns.js';
import type { Observed, Pattern } from '../types.js';

/** A small mesh without noise, for tables of cases. Sixty buckets; what is wrong begins in bucket 50 where a case does not say otherwise. */
export const BUCKETS = 60;
export const FAULT = 50;
export const BUCKET_MS = 10_000;
/** The end of the window. */
export const NOW = 1_700_000_040_000;
const MINUTES = 30;

export interface Host {
  readonly name: string;
  readonly version: string;
  readonly zone: string;
  /** First and last bucket in which it is there. */
  readonly from: number;
  readonly to: number;
}

export interface Where {
  readonly bucket: number;
  readonly host: Host;
  readonly callerZone: string;
}

type Failing = readonly [Outcome, number] | undefined;

/** Who calls whom, and how that fares. */
export interface Call {
  /** A workload; a service of the same name is selected by it. */
  readonly from: string;
  readonly to: string;
  readonly route?: string;
  /** Requests in one bucket. */
  readonly requests?: number | ((bucket: number) => number);
  /** Of the attempts, the share that fails. */
  readonly fails?: (where: Where) => Failing;
  /** Of the requests, the share that is never sent. */
  readonly refused?: (bucket: number) => Failing;
  /** Attempts that fail beside each request, as it is retried. */
  readonly retried?: (bucket: number) => readonly [Outcome, number];
  /** Milliseconds. */
  readonly takes?: (bucket: number) => number;
  readonly limitMs?: number;
}

export interface Setup {
  readonly hosts?: Readonly<Record<string, readonly Partial<Host>[]>>;
  readonly calls: readonly Call[];
  readonly events?: readonly Partial<TimelineEvent>[];
  readonly callerZones?: readonly string[];
}

export const calleeOf = (name: string): string => `shop/${name}/8080`;
export const workloadOf = (name: string): string => `shop/${name}`;
export const hostOf = (service: string, name: string): string => `shop/${service}/${name}`;
/** Start of a bucket. */
export const timeOf = (bucket: number): number => NOW - (BUCKETS - bucket) * BUCKET_MS;
export const sinceFault = ({ bucket }: { readonly bucket: number }): boolean => bucket >= FAULT;

const FOUR: readonly Partial<Host>[] = ['a', 'b', 'a', 'b'].map((zone) => ({ zone }));
const BACKGROUND = 0.002;

export function observedOf(setup: Setup): Observed {
  const names = [...new Set(setup.calls.map(({ to }) => to))];
  const hosts = new Map(names.map((name) => [name, hostsOf(name, setup.hosts?.[name] ?? FOUR)]));
  const [edges, instances, zones]: [EdgeCell[], InstanceCell[], ZoneCell[]] = [[], [], []];
  for (const call of setup.calls) {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const cells = cellsOf(call, {
        bucket,
        hosts: hosts.get(call.to) ?? [],
        callerZones: setup.callerZones ?? ['a', 'b'],
      });
      edges.push(...cells.edges);
      instances.push(...cells.instances);
      zones.push(...cells.zones);
    }
  }
  const from = timeOf(0) - MINUTES * 60_000;
  return {
    at: NOW,
    bucketMs: BUCKET_MS,
    buckets: BUCKETS,
    edges,
    instances,
    zones,
    baseline: baselineOf(
      setup.calls.flatMap((call) => usual(call, from)),
      { from, bucketMs: 60_000, buckets: MINUTES },
    ),
    events: (setup.events ?? []).map((event, i) => ({
      at: timeOf(FAULT),
      kind: 'change',
      id: `event-${i}`,
      title: 'Something changed',
      touches: [],
      reversible: true,
      ...event,
    })),
    services: names.map((name) => ({
      callee: calleeOf(name),
      workloads: [workloadOf(name)],
      instances: (hosts.get(name) ?? [])
        .filter(({ to }) => to >= BUCKETS - 1)
        .map((host) => ({ instance: hostOf(name, host.name), version: host.version, zone: host.zone })),
    })),
  };
}

export const found = (setup: Setup): Pattern[] => findPatterns(observedOf(setup));
export const namesOf = (setup: Setup): string[] => found(setup).map(({ name }) => name);

const hostsOf = (service: string, hosts: readonly Partial<Host>[]): Host[] =>
  hosts.map((host, i) => ({ name: `${service}-${i}`, version: 'v1', zone: 'a', from: 0, to: BUCKETS - 1, ...host }));

const sketch = (ms: number, count: number): LatencySketch => {
  const all = new LatencySketch();
  // Between seven tenths of the time and thirteen.
  for (let i = 0; i < 7 && count > 0; i += 1) all.add(ms * (0.7 + i / 10), count / 7);
  return all;
};

const exactly = (ms: number, count: number): LatencySketch => {
  const all = new LatencySketch();
  if (count > 0) all.add(ms, count);
  return all;
};

interface Spread {
  readonly bucket: number;
  readonly hosts: readonly Host[];
  readonly callerZones: readonly string[];
}

function cellsOf(
  call: Call,
  { bucket, hosts, callerZones }: Spread,
): { edges: EdgeCell[]; instances: InstanceCell[]; zones: ZoneCell[] } {
  const at = { at: timeOf(bucket), lengthMs: BUCKET_MS, complete: true };
  const requests = typeof call.requests === 'function' ? call.requests(bucket) : (call.requests ?? 200);
  const [refusal, share] = call.refused?.(bucket) ?? ['ok', 0];
  const sent = requests * (1 - share);
  const serving = hosts.filter((host) => host.from <= bucket && host.to >= bucket);
  const takes = call.takes?.(bucket) ?? 20;
  const latencies = (outcome: Outcome, count: number): LatencySketch => {
    if (outcome === 'timeout') return exactly(call.limitMs ?? 1_000, count);
    return outcome === 'ok' ? sketch(takes, count) : exactly(1, count);
  };
  const totals = new Map<Outcome, number>();
  const [instances, zones]: [InstanceCell[], ZoneCell[]] = [[], []];
  for (const host of serving) {
    for (const callerZone of callerZones) {
      const attempts = sent / serving.length / callerZones.length;
      for (const [outcome, count] of outcomesOf(call, { bucket, host, callerZone }, attempts)) {
        totals.set(outcome, (totals.get(outcome) ?? 0) + count);
        const callee = calleeOf(call.to);
        instances.push({
          ...at,
          callee,
          instance: hostOf(call.to, host.name),
          version: host.version,
          zone: host.zone,
          outcome,
          attempts: count,
          latencies: latencies(outcome, count),
        });
        zones.push({
          ...at,
          callee,
          callerZone,
          calleeZone: host.zone,
          outcome,
          attempts: count,
          latencies: exactly(1, 0),
        });
      }
    }
  }
  const edge = (outcome: Outcome, of: { requests: number; attempts: number }): EdgeCell => ({
    ...at,
    caller: workloadOf(call.from),
    callee: calleeOf(call.to),
    subset: '',
    route: call.route ?? `HTTPRoute/shop/${call.to}/0`,
    outcome,
    status: outcome === 'ok' ? 200 : 503,
    latencies: latencies(outcome, of.requests),
    ...of,
  });
  const edges = [...totals].map(([outcome, count]) => edge(outcome, { requests: count, attempts: count }));
  if (share > 0) edges.push(edge(refusal, { requests: requests * share, attempts: 0 }));
  const [again, extra] = call.retried?.(bucket) ?? ['ok', 0];
  if (extra > 0) edges.push(edge(again, { requests: 0, attempts: sent * extra }));
  return { edges, instances, zones };
}

function outcomesOf(call: Call, where: Where, attempts: number): [Outcome, number][] {
  const [outcome, share] = call.fails?.(where) ?? ['ok', 0];
  const usual = attempts * (1 - share) * BACKGROUND;
  const all: [Outcome, number][] = [
    [outcome, attempts * share],
    ['error', usual],
    ['ok', attempts * (1 - share) - usual],
  ];
  return all.filter(([, count]) => count > 0);
}

/** Calm minutes. */
function usual(call: Call, from: number): EdgeCell[] {
  const requests = (typeof call.requests === 'function' ? call.requests(0) : (call.requests ?? 200)) * 6;
  const takes = call.takes?.(0) ?? 20;
  return Array.from({ length: MINUTES }, (_, minute) => {
    const cell = (outcome: Outcome, count: number): EdgeCell => ({
      at: from + minute * 60_000,
      lengthMs: 60_000,
      complete: true,
      caller: workloadOf(call.from),
      callee: calleeOf(call.to),
      subset: '',
      route: call.route ?? `HTTPRoute/shop/${call.to}/0`,
      outcome,
      status: 200,
      requests: count,
      attempts: count,
      latencies: outcome === 'ok' ? sketch(takes, count) : exactly(1, 0),
    });
    return [cell('error', requests * BACKGROUND), cell('ok', requests * (1 - BACKGROUND))];
  }).flat();
}

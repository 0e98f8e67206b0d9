import { beforeEach, describe, expect, it } from 'vitest';
import { MalformedMessage } from '#libs/envoy-api';
import type { Metrics } from '#libs/kernel';
import { HandClock } from '../../testing/src/clock/index.js';
import { MetricsReceiver, type ReportReceiver } from './metrics-receiver.js';
import { ReportedCounts, type ReportedCountsOptions } from './reported-counts.js';
import { type MessageFields, reportMessage } from './testing/messages.js';

const COMPLETED = 'cluster.shop/back/8080.upstream_rq_completed';
const FAILED = 'cluster.shop/back/8080.upstream_rq_5xx';
const HOUR = 3_600_000;

let clock: HandClock;
let counted: Map<string, number>;
let counts: ReportedCounts;
let receiver: MetricsReceiver;

function make(options: Partial<ReportedCountsOptions> = {}): void {
  counted = new Map();
  const metrics: Metrics = {
    count: (name, labels = {}, by = 1) => {
      const key = [name, ...Object.values(labels)].join(' ');
      counted.set(key, (counted.get(key) ?? 0) + by);
    },
    gauge: (name, value) => void counted.set(name, value),
    observe: () => {},
  };
  clock = new HandClock(1_000);
  counts = new ReportedCounts({ clock, metrics, ...options });
  receiver = new MetricsReceiver(counts, metrics);
}

beforeEach(() => make());

/** A stream of this node. */
const open = (node: string): ReportReceiver => receiver.open({ nodeOf: () => node });
const send = (stream: ReportReceiver, families: MessageFields['families'] = {}): void =>
  stream.message(reportMessage({ families }));
/** `<node> <scope> <requests>/<failures>` */
const lines = (mesh = 'm'): string[] =>
  [...counts.of(mesh)].map(({ node, scope, requests, failures }) => `${node} ${scope} ${requests}/${failures}`);

describe('what is counted', () => {
  it('adds up deltas, over streams that follow one another and over several at once', () => {
    const first = open('m/n/w/1');
    send(first, { [COMPLETED]: 10, [FAILED]: 1 });
    send(first, { [COMPLETED]: 0, [FAILED]: 0 });
    first.closed();
    const [second, third] = [open('m/n/w/1'), open('m/n/w/1')];
    send(second, { [COMPLETED]: 5 });
    send(third, { [COMPLETED]: 2, [FAILED]: 2 });
    expect(lines()).toEqual(['m/n/w/1 cluster shop/back/8080 17/3']);
  });

  it('adds up what one scope counts in several places', () => {
    const families = {
      'http.outbound.downstream_rq_completed': 3,
      'http.outbound_shop_back_8080.downstream_rq_completed': 4,
    };
    send(open('m/n/w/1'), { ...families, 'http.outbound.no_route': 1, 'http.outbound.downstream_rq_5xx': 1 });
    expect(lines()).toEqual(['m/n/w/1 outbound 7/2']);
  });

  it('SEC-14 is told by mesh', () => {
    send(open('m/n/w/1'), { [COMPLETED]: 1 });
    send(open('m2/n/w/1'), { [COMPLETED]: 2 });
    expect([lines('m'), lines('m2'), lines('n')]).toEqual([
      ['m/n/w/1 cluster shop/back/8080 1/0'],
      ['m2/n/w/1 cluster shop/back/8080 2/0'],
      [],
    ]);
  });

  it('knows when a node was last heard of', async () => {
    const stream = open('m/n/w/1');
    expect(counts.heardOf('m/n/w/1')).toBeUndefined();
    send(stream);
    await clock.advance(5_000);
    expect(counts.heardOf('m/n/w/1')).toBe(1_000);
    send(stream);
    expect(counts.heardOf('m/n/w/1')).toBe(6_000);
  });

  it('MET-1 SEC-1 belongs to the node of the credential, whatever the message says', () => {
    open('m/n/w/1').message(reportMessage({ node: 'm/n/other/1', families: { [COMPLETED]: 1 } }));
    expect(lines()).toEqual(['m/n/w/1 cluster shop/back/8080 1/0']);
  });

  it('MET-1 SEC-1 asks once for the node of a credential that several share, and counts nothing if it is refused', () => {
    const claims: string[] = [];
    const nodeOf = (claimed: string): string => {
      claims.push(claimed);
      if (claimed !== 'm/n/w/2') throw new Error('not yours');
      return claimed;
    };
    const good = receiver.open({ nodeOf });
    good.message(reportMessage({ node: 'm/n/w/2', families: { [COMPLETED]: 1 } }));
    good.message(reportMessage({ node: 'm/n/w/3', families: { [COMPLETED]: 1 } }));
    const thief = receiver.open({ nodeOf });
    expect(() => thief.message(reportMessage({ node: 'm/x/y/1', families: { [COMPLETED]: 1 } }))).toThrow('not yours');
    thief.closed();
    expect([claims, lines()]).toEqual([['m/n/w/2', 'm/x/y/1'], ['m/n/w/2 cluster shop/back/8080 2/0']]);
  });
});

describe('what does harm to nobody', () => {
  it('SEC-7 a malformed message counts nothing at all', () => {
    const stream = open('m/n/w/1');
    send(stream, { [COMPLETED]: 1 });
    const bytes = reportMessage({ families: { [COMPLETED]: 5, [FAILED]: 5 } });
    expect(() => stream.message(bytes.subarray(0, bytes.length - 3))).toThrow(MalformedMessage);
    expect(lines()).toEqual(['m/n/w/1 cluster shop/back/8080 1/0']);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300])('a count of %d is none', (value) => {
    send(open('m/n/w/1'), { [COMPLETED]: value, [FAILED]: 2 });
    expect(lines()).toEqual(['m/n/w/1 cluster shop/back/8080 0/2']);
    expect(counted.get('heddle_proxy_report_ignored_total value')).toBe(1);
  });

  it('SEC-9 scopes of a node are bounded, and the first ones go on counting', () => {
    make({ maxScopes: 3 });
    const stream = open('m/n/w/1');
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`cluster.a/b/${i}.upstream_rq_5xx`, 1]));
    send(stream, many);
    send(stream, many);
    expect(lines()).toEqual([0, 1, 2].map((i) => `m/n/w/1 cluster a/b/${i} 0/2`));
    expect(counted.get('heddle_proxy_report_ignored_total scopes')).toBe(94);
  });

  it('SEC-9 nodes are bounded: silent ones make room, connected ones do not', () => {
    make({ maxNodes: 2 });
    const first = open('m/n/w/1');
    const second = open('m/n/w/2');
    const third = open('m/n/w/3');
    for (const stream of [first, second, third]) send(stream, { [COMPLETED]: 1 });
    expect(counts.heardOf('m/n/w/3')).toBeUndefined();
    expect(counted.get('heddle_proxy_report_ignored_total nodes')).toBe(1);
    first.closed();
    send(third, { [COMPLETED]: 4 });
    expect(lines()).toEqual(['m/n/w/2 cluster shop/back/8080 1/0', 'm/n/w/3 cluster shop/back/8080 4/0']);
  });
});

describe('what is forgotten', () => {
  it('a node some time after its last stream, and not before', async () => {
    const [gone, there] = [open('m/n/w/1'), open('m/n/w/2')];
    for (const stream of [gone, there]) send(stream, { [COMPLETED]: 1 });
    await clock.advance(HOUR);
    expect([counts.heardOf('m/n/w/1'), counts.heardOf('m/n/w/2')]).toEqual([1_000, 1_000]);
    gone.closed();
    await clock.advance(500_000);
    expect(counts.heardOf('m/n/w/1')).toBe(1_000);
    await clock.advance(200_000);
    expect([counts.heardOf('m/n/w/1'), counts.heardOf('m/n/w/2')]).toEqual([undefined, 1_000]);
    expect(counted.get('heddle_reporting_proxies')).toBe(1);
  });

  it('a scope that reports no longer name: its cluster is gone', async () => {
    const stream = open('m/n/w/1');
    send(stream, { [COMPLETED]: 1, 'http.outbound.no_route': 1 });
    for (let minute = 0; minute < 15; minute++) {
      await clock.advance(60_000);
      send(stream, { 'http.outbound.no_route': 0 });
    }
    expect(lines()).toEqual(['m/n/w/1 outbound 0/1']);
  });
});

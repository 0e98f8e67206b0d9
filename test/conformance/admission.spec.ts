import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { Client, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { Limits } from '#libs/xds';
import type { FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';
import { cluster, GRPC, quiet, Rig, TYPE } from './rig.js';

let rig: Rig;
afterEach(() => rig.stop());

const PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
const served = (client: FakeXdsClient) => client.waitFor((c) => c.names(TYPE.cluster).length > 0);
const admissions = (how: string): number => rig.metrics.counts.get(`xds_admissions_total stream ${how}`) ?? 0;
const limitHits = (limit: string): number => rig.metrics.counts.get(`xds_limit_total ${limit}`) ?? 0;

/** The one place is taken by a client whose admission waits until it is told to go on. */
async function crowded(limits: Partial<Limits> = {}): Promise<() => void> {
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  rig = await Rig.start({
    limits: { initialPushes: 1, initialPushMs: 600_000, ...limits },
    gatekeeper: {
      admit: async (_, node) => {
        if (node.id === 'alice/slow') await held;
        return 'main';
      },
    },
  });
  rig.publish(cluster('a'));
  return goOn;
}

const slow = (): FakeXdsClient => rig.client({ node: { id: 'alice/slow' } }).subscribe(TYPE.cluster);
async function taken(): Promise<void> {
  await expect.poll(() => rig.metrics.counts.get('xds_streams')).toBe(1);
}

describe('admission', () => {
  it('REL-12 NET-3 who cannot come in waits, and comes in when there is a place', async () => {
    const goOn = await crowded();
    const first = slow();
    await taken();
    const others = Array.from({ length: 5 }, (_, i) =>
      rig.client({ token: `n${i}`, node: { id: `n${i}` } }).subscribe(TYPE.cluster),
    );
    await expect.poll(() => rig.metrics.counts.get('xds_admission_waiting')).toBe(5);
    expect(others.map(({ responses }) => responses.length)).toEqual([0, 0, 0, 0, 0]);
    goOn();
    for (const client of [first, ...others]) await served(client);
    expect([admissions('at_once'), admissions('queued'), admissions('refused')]).toEqual([1, 5, 0]);
  });

  it('REL-12 NET-3 who has waited too long is UNAVAILABLE, with a time to come again, and nothing was judged', async () => {
    const goOn = await crowded({ admissionWaitMs: 200 });
    slow();
    await taken();
    const client = new Client(`127.0.0.1:${rig.port}`, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer bad');
    const same = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest(PATH, same, same, metadata);
    call.on('error', () => {}).resume();
    const status = await new Promise<StatusObject>((resolve) => {
      call.on('status', resolve);
    });
    client.close();
    expect(status.code).toBe(GRPC.UNAVAILABLE);
    const again = Number(status.metadata.get('grpc-retry-pushback-ms')[0]);
    expect([again >= 200, again <= 1_000]).toEqual([true, true]);
    expect([limitHits('admissionWaitMs'), admissions('refused')]).toEqual([1, 1]);
    expect(rig.metrics.counts.get('xds_denied_total UNAUTHENTICATED')).toBeUndefined();
    goOn();
    await served(rig.client({ token: 'bob', node: { id: 'bob/1' } }).subscribe(TYPE.cluster));
  });

  it('REL-12 those who are connected are sent what changes, while others wait', async () => {
    await crowded();
    const old = rig.client({ token: 'bob', node: { id: 'bob/1' } }).subscribe(TYPE.cluster);
    await served(old);
    slow();
    await expect.poll(() => rig.metrics.counts.get('xds_streams')).toBe(2);
    const waiting = rig.client({ token: 'eve', node: { id: 'eve/1' } }).subscribe(TYPE.cluster);
    await expect.poll(() => rig.metrics.counts.get('xds_admission_waiting')).toBe(1);
    rig.update(cluster('b'));
    await old.waitFor((c) => c.names(TYPE.cluster).length === 2);
    expect(waiting.responses).toEqual([]);
  });

  it('REL-12 a client that does not read what it asked for loses its place after a while', async () => {
    await crowded({ initialPushMs: 300 });
    slow();
    await taken();
    await served(rig.client({ token: 'bob', node: { id: 'bob/1' } }).subscribe(TYPE.cluster));
    expect([admissions('queued'), admissions('refused')]).toEqual([1, 0]);
  });

  it('REL-12 who goes away while waiting is forgotten; a refused credential and a unary call give their place back', async () => {
    const goOn = await crowded();
    const first = slow();
    await taken();
    const gone = rig.client({ token: 'bob', node: { id: 'bob/1' } }).subscribe(TYPE.cluster);
    await expect.poll(() => rig.metrics.counts.get('xds_admission_waiting')).toBe(1);
    gone.disconnect();
    await expect.poll(() => rig.metrics.counts.get('xds_admission_waiting')).toBe(0);
    goOn();
    await served(first);
    for (let i = 0; i < 3; i++) {
      const bad = rig.client({ token: 'bad' }).subscribe(TYPE.cluster);
      await bad.waitFor((c) => c.ended?.code === GRPC.UNAUTHENTICATED);
    }
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    for (const method of [
      'cluster.v3.ClusterDiscoveryService/FetchClusters',
      'status.v3.ClientStatusDiscoveryService/FetchClientStatus',
    ]) {
      const unary = session.request(headers('alice', `/envoy.service.${method}`));
      unary.end(Buffer.alloc(5));
      await once(unary.resume(), 'close');
    }
    session.destroy();
    await served(rig.client({ token: 'eve', node: { id: 'eve/1' } }).subscribe(TYPE.cluster));
  });
});

describe('fairness', () => {
  const open = (from: string): ClientHttp2Session =>
    connectHttp2(`http://127.0.0.1:${rig.port}`, {
      createConnection: () => connect({ port: rig.port, host: '127.0.0.1', localAddress: from }),
    });
  const call = (session: ClientHttp2Session): ClientHttp2Stream =>
    session.request(headers('bad'), { endStream: true }).resume();

  it('REL-12 SEC-8 an address with many calls holds up none with one; too many of it are refused at once', async () => {
    const order: string[] = [];
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    rig = await Rig.start({
      limits: { initialPushes: 1, initialPushMs: 600_000, admissionQueue: 20, unauthenticatedMs: 600_000 },
      gatekeeper: {
        authenticate: async (_, peer) => {
          order.push(peer.split(':')[0] ?? '');
          await held;
          throw new Error('nobody');
        },
      },
    });
    const [many, few] = [open('127.0.0.1'), open('127.0.0.2')];
    await Promise.all([once(many, 'connect'), once(few, 'connect')]);
    for (const session of [many, few]) session.on('error', () => {});
    const flood = Array.from({ length: 30 }, () => call(many));
    await expect.poll(() => admissions('refused')).toBe(9);
    const good = call(few);
    await expect.poll(() => admissions('refused')).toBe(10);
    expect(limitHits('admissionQueue')).toBe(10);
    goOn();
    for (const stream of [...flood, good]) if (!stream.closed) await once(stream, 'close');
    await quiet();
    expect(order).toHaveLength(21);
    expect(order.indexOf('127.0.0.2')).toBeLessThanOrEqual(2);
    for (const session of [many, few]) session.destroy();
  });
});

const headers = (token: string, path = PATH): Record<string, string> => ({
  ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
  authorization: `Bearer ${token}`,
});

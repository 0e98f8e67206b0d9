import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type FakeXdsClient, SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, GRPC, listener, quiet, Rig, TYPE } from './rig.js';

let rig: Rig;
afterEach(() => rig.stop());

const open = async (): Promise<Socket> => {
  const socket = connect(rig.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
};
const served = (client: FakeXdsClient) => client.waitFor((c) => c.responses.length > 0);
/** A call of alice's on a connection that stays when it ends. */
function call(session: ClientHttp2Session): ClientHttp2Stream {
  const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  return session.request({ ...headers, authorization: 'Bearer alice' }).resume();
}
const limitHits = (limit: string): number => rig.metrics.counts.get(`xds_limit_total ${limit}`) ?? 0;

describe('connections', () => {
  it('SEC-8 a socket that never makes a call is closed, and lets the next one in', async () => {
    rig = await Rig.start({ limits: { maxConnections: 3, unauthenticatedMs: 500 } });
    const sockets = await Promise.all([open(), open(), open()]);
    await Promise.all(sockets.map((socket) => once(socket.resume(), 'close')));
    expect(limitHits('unauthenticatedMs')).toBe(3);
    await served(rig.client().subscribe(TYPE.cluster));
  });

  it('SEC-8 one good credential fills no table: a socket whose calls are all refused is closed too', async () => {
    rig = await Rig.start({ limits: { streamsPerPrincipal: 1, unauthenticatedMs: 500, maxConnections: 10 } });
    const first = rig.client().subscribe(TYPE.cluster);
    await served(first);
    const sessions = Array.from({ length: 8 }, () => connectHttp2(`http://127.0.0.1:${rig.port}`));
    const closed = sessions.map((session) => once(session, 'close'));
    for (const session of sessions) call(session);
    await Promise.all(closed);
    expect([limitHits('streamsPerPrincipal'), limitHits('unauthenticatedMs')]).toEqual([8, 8]);
    await served(rig.client({ token: 'bob', node: { id: 'bob/1' } }).subscribe(TYPE.cluster));
    expect(first.ended).toBeUndefined();
  });

  it('SEC-8 a socket gets a deadline again when its last stream has ended', async () => {
    rig = await Rig.start({ limits: { unauthenticatedMs: 500 } });
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    const closed = once(session, 'close');
    const stream = call(session);
    await expect.poll(() => rig.metrics.counts.get('xds_streams')).toBe(1);
    stream.end();
    await closed;
    expect(limitHits('unauthenticatedMs')).toBe(1);
  });

  it('SEC-8 sockets without a stream from one address are bounded', async () => {
    rig = await Rig.start({ limits: { idlePerAddress: 2 } });
    const [one, two] = await Promise.all([open(), open()]);
    await once((await open()).resume(), 'close');
    expect(limitHits('idlePerAddress')).toBe(1);
    for (const socket of [one, two]) socket?.destroy();
    await expect.poll(() => limitHits('idlePerAddress')).toBe(1);
    await served(rig.client().subscribe(TYPE.cluster));
  });

  it('SEC-8 REL-41 nodes of a shared credential are counted by themselves, and together by a larger limit', async () => {
    rig = await Rig.start({
      limits: { streamsPerPrincipal: 1, streamsPerSharedPrincipal: 4 },
      gatekeeper: {
        authenticate: () =>
          Promise.resolve({ id: 'web-*', expiresAt: Number.MAX_SAFE_INTEGER, shared: true, claims: 0 }),
      },
    });
    const join = (id: string) => rig.client({ node: { id } }).subscribe(TYPE.cluster);
    const nodes = ['web-1', 'web-2', 'web-3'].map(join);
    for (const client of nodes) await served(client);
    const twice = join('web-1');
    await twice.waitFor((c) => c.ended?.code === GRPC.RESOURCE_EXHAUSTED);
    nodes.push(join('web-4'));
    await served(nodes[3] as FakeXdsClient);
    const fifth = join('web-5');
    await fifth.waitFor((c) => c.ended?.code === GRPC.RESOURCE_EXHAUSTED);
    nodes[0]?.disconnect();
    await expect.poll(() => rig.server.streams().length).toBe(3);
    await served(join('web-1'));
  });
});

describe('a stop', () => {
  it('REL-15 NET-2 sends clients away: who comes back during it is not served, and the streams end one after another', async () => {
    rig = await Rig.start();
    rig.publish(cluster('a'));
    const clients = Array.from({ length: 4 }, (_, i) =>
      rig.client({ node: { id: `alice/${i}` } }).subscribe(TYPE.cluster),
    );
    for (const client of clients) await served(client);
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    await once(session, 'connect');
    const away = once(session, 'goaway');
    const stopped = rig.server.stop({ graceMs: 2_000 });
    await away;
    await expect.poll(() => clients.filter(({ ended }) => ended?.code === GRPC.OK).length).toBeGreaterThan(0);
    expect(clients.some(({ ended }) => ended === undefined)).toBe(true);
    session.close();
    await stopped;
    for (const client of clients) await client.waitFor((c) => c.ended?.code === GRPC.OK);
  });
});

describe('a mistake of ours', () => {
  it('REL-20 while sending ends one stream, not the others, not the process', async () => {
    rig = await Rig.start();
    rig.publish(cluster('a'));
    const [one, two] = [rig.client({ node: { id: 'alice/1' } }), rig.client({ node: { id: 'alice/2' } })];
    for (const client of [one, two]) await served(client.subscribe(TYPE.cluster));
    const count = rig.metrics.count.bind(rig.metrics);
    let thrown = false;
    rig.metrics.count = (name, labels, by) => {
      if (name === 'xds_responses_total' && !thrown) {
        thrown = true;
        throw new Error('a bug');
      }
      count(name, labels, by);
    };
    rig.update(cluster('b'));
    await expect.poll(() => [one, two].filter(({ ended }) => ended !== undefined).length).toBe(1);
    const other = one.ended ? two : one;
    await other.waitFor((c) => c.names(TYPE.cluster).length === 2);
    await quiet();
    expect(other.ended).toBeUndefined();
  });

  it('REL-20 while looking for what is overdue ends one stream, and the others are looked at', async () => {
    rig = await Rig.start({ limits: { checkMs: 50, heldAlarmMs: 200 } });
    rig.publish(cluster('a'), listener('l', ['nobody']));
    const [one, two] = [rig.client({ node: { id: 'alice/1' } }), rig.client({ node: { id: 'alice/2' } })];
    for (const client of [one, two]) {
      await served(client.subscribe(TYPE.cluster));
      client.judgeWith(() => SILENCE);
    }
    const count = rig.metrics.count.bind(rig.metrics);
    let thrown = false;
    rig.metrics.count = (name, labels, by) => {
      if (name === 'xds_held_alarms_total' && !thrown) {
        thrown = true;
        throw new Error('a bug');
      }
      count(name, labels, by);
    };
    // A listener that requires a cluster which the client has not accepted yet is held back.
    rig.publish(cluster('a', 1), cluster('nobody'), listener('l', ['nobody']));
    for (const client of [one, two]) client.subscribe(TYPE.listener);
    await expect.poll(() => [one, two].filter(({ ended }) => ended !== undefined).length).toBe(1);
    await expect.poll(() => rig.metrics.counts.get('xds_held_alarms_total LDS')).toBe(1);
    expect([one, two].filter(({ ended }) => ended !== undefined)).toHaveLength(1);
  });
});

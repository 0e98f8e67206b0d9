import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeXdsClient, type ReceivedResponse, SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, GRPC, listener, quiet, Rig, route, scope, TYPE } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

const words = (r: ReceivedResponse): string =>
  [r.type.split('.').at(-1), ...r.resources.map((x) => `+${x.name}`), ...r.removed.map((x) => `-${x}`)].join(' ');

/** A client that has everything of a small mesh, and whose responses are counted from here. */
async function connected(options: Parameters<Rig['client']>[0] = {}): Promise<FakeXdsClient> {
  rig.publish(cluster('a'), endpoints('a'), listener('l', ['a']), scope('s', 'r'), route('r', ['a']));
  const client = rig.client(options).subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a']).subscribe(TYPE.listener);
  client.subscribe(TYPE.scopedRoute).subscribe(TYPE.route, ['r', 'r2']);
  await client.waitFor((c) =>
    ['cluster', 'endpoint', 'listener', 'scopedRoute', 'route'].every(
      (t) => c.names(TYPE[t as 'cluster']).length === 1,
    ),
  );
  await quiet();
  client.responses.length = 0;
  return client;
}

describe('order of one change', () => {
  it('ORD-1 clusters, endpoints, listeners, scopes, routes go out in this order', async () => {
    const client = await connected();
    rig.update(cluster('a', 1), endpoints('a', 81), listener('l', ['a'], 1), scope('s', 'r2'), route('r', ['a'], 1));
    await client.waitFor((c) => c.responses.length === 5);
    expect(client.responses.map(words)).toEqual([
      'Cluster +a',
      'ClusterLoadAssignment +a',
      'Listener +l',
      'ScopedRouteConfiguration +s',
      'RouteConfiguration +r',
    ]);
  });

  it('ORD-2 ORD-3 BUG-36 a route waits for its new cluster, and the old cluster for the ACK of the route', async () => {
    const client = await connected();
    rig.publish(cluster('b'), listener('l', ['b']), scope('s', 'r'), route('r', ['b']));
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'b' && c.names(TYPE.endpoint).length === 0);
    const order = client.responses.map(words);
    expect(order[0]).toBe('Cluster +b');
    expect(order.indexOf('Cluster -a')).toBeGreaterThan(order.indexOf('RouteConfiguration +r'));
    expect(order.indexOf('Cluster -a')).toBeGreaterThan(order.indexOf('Listener +l'));
  });

  it('ORD-4 while the ACK of clusters is withheld, routes wait, endpoints and unrelated resources do not', async () => {
    const client = await connected();
    client.judgeWith((r) => (r.type === TYPE.cluster ? SILENCE : undefined));
    rig.update(cluster('b'), endpoints('a', 81), endpoints('b'), route('r', ['b']), listener('l', ['a'], 1));
    client.subscribe(TYPE.endpoint, ['b']);
    await client.waitFor(
      (c) => c.names(TYPE.endpoint).length === 2 && c.responses.some((r) => r.type === TYPE.listener),
    );
    await quiet();
    expect(client.responsesOf(TYPE.route)).toEqual([]);
    expect(rig.state(TYPE.route)?.held).toEqual(['r']);
    const nonce = client.responsesOf(TYPE.cluster)[0]?.nonce ?? '';
    client.send({ type: TYPE.cluster, nonce });
    await client.waitFor((c) => c.responsesOf(TYPE.route).length === 1);
  });

  it('SOTW-7 ORD-3 a cluster that was dropped and is asked for again is not active before it is ACKed again', async () => {
    rig.publish(cluster('a'));
    const client = rig.client().subscribe(TYPE.cluster, ['a']).subscribe(TYPE.route, ['r']);
    await client.waitFor(() => rig.state(TYPE.cluster)?.acked.has('a') === true);
    client.unsubscribe(TYPE.cluster, ['a']);
    await client.waitFor(() => rig.state(TYPE.cluster)?.acked.size === 0);
    client.judgeWith((r) => (r.type === TYPE.cluster ? SILENCE : undefined)).subscribe(TYPE.cluster, ['a']);
    await client.waitFor((c) => c.responsesOf(TYPE.cluster).length === 2);
    rig.update(route('r', ['a']));
    await quiet();
    expect(client.names(TYPE.route)).toEqual([]);
    client.send({ type: TYPE.cluster, nonce: client.responsesOf(TYPE.cluster)[1]?.nonce ?? '' });
    await client.waitFor((c) => c.names(TYPE.route).length === 1);
  });

  it('ORD-5 ENV-4 BUG-1 a changed cluster is followed at once by its unchanged endpoints', async () => {
    const client = await connected();
    client.judgeWith((r) => (r.type === TYPE.cluster ? SILENCE : undefined));
    rig.update(cluster('a', 1));
    await client.waitFor((c) => c.responses.length === 2);
    expect(client.responses.map(words)).toEqual(['Cluster +a', 'ClusterLoadAssignment +a']);
    expect(client.versions(TYPE.endpoint).get('a')).toBe(endpoints('a').version);
  });

  it.each(['delta', 'sotw'] as const)(
    'ORD-6 BUG-35 every change of a cluster brings its endpoints again, not only the first, and no others (%s)',
    async (variant) => {
      rig.publish(cluster('a'), cluster('b'), endpoints('a'), endpoints('b'));
      const client = rig.client({ variant }).subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a', 'b']);
      await client.waitFor((c) => c.names(TYPE.endpoint).length === 2);
      await quiet();
      client.responses.length = 0;
      for (const mark of [1, 2, 3]) {
        const change = rig.update(cluster('a', mark));
        await client.waitFor(() => rig.server.progress(change).acked === 1);
      }
      const again = client.responsesOf(TYPE.endpoint).map((r) => r.resources.map(({ bytes }) => Buffer.from(bytes)));
      expect(again).toEqual(Array.from({ length: 3 }, () => [Buffer.from(endpoints('a').bytes)]));
    },
  );

  it('ORD-13 routes that the client knows do not wait until it asks for them after a listener', async () => {
    const client = await connected();
    client.judgeWith((r) => (r.type === TYPE.listener ? SILENCE : undefined));
    rig.update(listener('l', ['a'], 1), route('r', ['a'], 1));
    await client.waitFor((c) => c.versions(TYPE.route).get('r') === route('r', ['a'], 1).version);
    expect(client.responses.map(words)).toEqual(['Listener +l', 'RouteConfiguration +r']);
  });

  it('ORD-15 a change waits for no timer: it is on its way before its publication returns', async () => {
    const client = await connected();
    await client.waitFor(() => rig.state(TYPE.cluster)?.pending.length === 0);
    const before = rig.server.counters().responses;
    rig.update(cluster('b'));
    expect(rig.server.counters().responses).toBe(before + 1);
  });

  it('ORD-8 BUG-4 what exists of what was asked is answered at once', async () => {
    rig.publish(endpoints('a'), endpoints('never-asked-for'));
    const client = rig.client().subscribe(TYPE.endpoint, ['a', 'missing']);
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 1);
  });

  it('ORD-12 BUG-3 endpoints are sent once more when the ACK of their cluster does not come', async () => {
    await rig.stop();
    rig = await Rig.start({ limits: { warmingNudgeMs: 100, checkMs: 50 } });
    const client = await connected();
    client.judgeWith((r) => (r.type === TYPE.cluster ? SILENCE : undefined));
    rig.update(cluster('a', 1));
    await client.waitFor((c) => c.responsesOf(TYPE.endpoint).length === 2);
    await quiet(300);
    expect(client.responsesOf(TYPE.endpoint)).toHaveLength(2);
  });

  it('ORD-2 a resource that waits for long raises an alarm and goes on waiting', async () => {
    await rig.stop();
    rig = await Rig.start({ limits: { heldAlarmMs: 100, checkMs: 50 } });
    const client = await connected();
    rig.update(route('r', ['nowhere']));
    await client.waitFor(() => true);
    await quiet(400);
    expect(rig.metrics.counts.get('xds_held_alarms_total RDS')).toBe(1);
    expect(client.responsesOf(TYPE.route)).toEqual([]);
  });

  it('removals go users first: listener and scope, then route, then cluster', async () => {
    const client = await connected();
    rig.publish();
    await client.waitFor((c) => c.names(TYPE.cluster).length === 0);
    const order = client.responses.map(words);
    const at = (what: string): number => order.indexOf(what);
    expect(at('RouteConfiguration -r')).toBeGreaterThan(at('Listener -l'));
    expect(at('RouteConfiguration -r')).toBeGreaterThan(at('ScopedRouteConfiguration -s'));
    expect(at('Cluster -a')).toBeGreaterThan(at('RouteConfiguration -r'));
  });
});

describe('order after a reconnect', () => {
  it('ORD-9 ENV-5 endpoints are answered before clusters are asked for, all of them once', async () => {
    const client = await connected();
    client.reconnect([TYPE.endpoint]);
    await client.waitFor((c) => c.responsesOf(TYPE.endpoint).length === 1);
    expect(client.responses.map(words)).toEqual(['ClusterLoadAssignment +a']);
    for (const type of [TYPE.cluster, TYPE.listener, TYPE.scopedRoute, TYPE.route]) client.resubscribe(type);
    await quiet();
    // The name that does not exist is answered on every stream that asks for it (DELTA-5, ORD-10).
    expect(client.responses.map(words)).toEqual(['ClusterLoadAssignment +a', 'RouteConfiguration -r2']);
  });

  it('ENV-5 one endpoint name without a version brings all of them', async () => {
    const client = await connected();
    rig.update(endpoints('b'));
    client.reconnect([TYPE.cluster]);
    client.send({ type: TYPE.endpoint, names: ['a', 'b'], initialVersions: { a: endpoints('a').version } });
    await client.waitFor((c) => c.responsesOf(TYPE.endpoint).length === 1);
    expect(
      client
        .responsesOf(TYPE.endpoint)[0]
        ?.resources.map((r) => r.name)
        .sort(),
    ).toEqual(['a', 'b']);
  });

  it('ORD-10 BUG-32 names deleted meanwhile are answered as removed', async () => {
    const client = await connected();
    client.disconnect();
    rig.publish(cluster('a'), endpoints('a'));
    client.reconnect([TYPE.cluster, TYPE.endpoint, TYPE.listener, TYPE.scopedRoute, TYPE.route]);
    await client.waitFor((c) => c.names(TYPE.route).length === 0 && c.names(TYPE.listener).length === 0);
  });

  it('ORD-11 BUG-26 a reconnected client that asks for endpoints and never for clusters is sent away', async () => {
    await rig.stop();
    rig = await Rig.start({ limits: { missingClustersMs: 200, checkMs: 50 } });
    const client = await connected();
    client.reconnect([TYPE.endpoint]);
    await client.waitFor((c) => c.ended !== undefined);
    expect(client.ended?.code).toBe(GRPC.UNAVAILABLE);
    expect(rig.metrics.counts.get('xds_missing_cds_total')).toBe(1);
    client.reconnect();
    const fresh = rig.client({ node: { id: 'alice/2' } }).subscribe(TYPE.endpoint, ['a']);
    await fresh.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    await quiet(1_000);
    expect([client.ended, fresh.ended]).toEqual([undefined, undefined]);
  });

  it('ENV-9 nothing that an unknown old content may require is removed before that content is replaced', async () => {
    const client = await connected();
    client.disconnect();
    rig.publish(cluster('b'), listener('l', ['b'], 1), scope('s', 'r'), route('r', ['b']));
    client.judgeWith((r) => (r.type === TYPE.route ? SILENCE : undefined));
    client.reconnect([TYPE.cluster, TYPE.endpoint]);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
    await quiet();
    expect(client.names(TYPE.cluster)).toContain('a');
    for (const type of [TYPE.listener, TYPE.scopedRoute, TYPE.route]) client.resubscribe(type);
    await client.waitFor((c) => c.responsesOf(TYPE.route).length === 1);
    await quiet();
    expect(client.names(TYPE.cluster)).toContain('a');
    client.send({ type: TYPE.route, nonce: client.responsesOf(TYPE.route)[0]?.nonce ?? '' });
    await client.waitFor((c) => !c.names(TYPE.cluster).includes('a'));
  });
});

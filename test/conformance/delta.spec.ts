import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, GRPC, listener, quiet, Rig, route, TYPE } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

describe('delta', () => {
  it('DELTA-1 a listed name is always answered, even if the client has it at that version', async () => {
    rig.publish(endpoints('a'));
    const client = rig.client().subscribe(TYPE.endpoint, ['a']);
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    client.subscribe(TYPE.endpoint, ['a']);
    await client.waitFor((c) => c.responsesOf(TYPE.endpoint).length === 2);
    expect(client.responsesOf(TYPE.endpoint)[1]?.resources.map((r) => r.name)).toEqual(['a']);
  });

  it('DELTA-2 DELTA-15 every resource has its name and the content hash as version', async () => {
    const a = cluster('a');
    rig.publish(a);
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 1);
    expect(client.versions(TYPE.cluster).get('a')).toBe(a.version);
    expect(Buffer.from(client.bytes(TYPE.cluster, 'a') ?? [])).toEqual(Buffer.from(a.bytes));
  });

  it('DELTA-3 an update carries only what changed', async () => {
    rig.publish(cluster('a'), cluster('b'));
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
    rig.update(cluster('b', 1));
    await client.waitFor((c) => c.responses.length === 2);
    expect(client.responses[1]?.resources.map((r) => r.name)).toEqual(['b']);
  });

  it('DELTA-4 a deletion is sent in removed_resources, to wildcard and to named subscriptions', async () => {
    rig.publish(listener('a'), route('r'));
    const client = rig.client().subscribe(TYPE.listener).subscribe(TYPE.route, ['r']);
    await client.waitFor((c) => c.names(TYPE.listener).length === 1 && c.names(TYPE.route).length === 1);
    rig.publish();
    await client.waitFor((c) => c.names(TYPE.listener).length === 0 && c.names(TYPE.route).length === 0);
    expect(client.responses.at(-1)?.removed).toHaveLength(1);
  });

  it('DELTA-5 GEN-12 BUG-8 a missing name is answered in removed_resources, and arrives once created', async () => {
    const client = rig.client().subscribe(TYPE.endpoint, ['late']);
    await client.waitFor((c) => c.responses.length === 1);
    expect(client.responses[0]?.removed).toEqual(['late']);
    rig.publish(endpoints('late'));
    await client.waitFor((c) => c.names(TYPE.endpoint).includes('late'));
  });

  it('DELTA-5 BUG-7 a removed name that comes back is sent again', async () => {
    rig.publish(endpoints('a'));
    const client = rig.client().subscribe(TYPE.endpoint, ['a']);
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    rig.publish();
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 0);
    rig.publish(endpoints('a'));
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 1);
  });

  it('DELTA-6 unsubscribing a name that the wildcard still covers is answered', async () => {
    rig.publish(cluster('a'));
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 1);
    client.subscribe(TYPE.cluster, ['a', 'ghost']);
    await client.waitFor((c) => c.responses.length === 2);
    client.unsubscribe(TYPE.cluster, ['a', 'ghost']);
    await client.waitFor((c) => c.responses.length === 3);
    expect(client.responses[2]?.resources.map((r) => r.name)).toEqual(['a']);
    expect(client.responses[2]?.removed).toEqual(['ghost']);
  });

  it('DELTA-6 DELTA-7 other unsubscriptions, also of what was never subscribed, are not answered', async () => {
    rig.publish(endpoints('a'));
    const client = rig.client().subscribe(TYPE.endpoint, ['a']);
    await client.waitFor((c) => c.responses.length === 1);
    client.unsubscribe(TYPE.endpoint, ['a', 'phantom']);
    await client.waitFor(() => rig.state(TYPE.endpoint)?.subscribed.length === 0);
    rig.update(endpoints('a', 81));
    await quiet();
    expect(client.responses).toHaveLength(1);
  });

  it('DELTA-8 BUG-10 a reconnect gets what changed and loses what is gone, in one response', async () => {
    rig.publish(listener('a', [], 2), listener('same'));
    const client = rig.client();
    const same = listener('same').version;
    client.send({ type: TYPE.listener, initialVersions: { a: 'v1', b: 'v1', same } });
    await client.waitFor((c) => c.responses.length === 1);
    expect(client.responses[0]?.resources.map((r) => r.name)).toEqual(['a']);
    expect(client.responses[0]?.removed).toEqual(['b']);
  });

  it('DELTA-8 a reconnect with equal versions of every type is sent nothing', async () => {
    rig.publish(cluster('a'), endpoints('a'), listener('l'), route('r', ['a']));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a']);
    client.subscribe(TYPE.listener).subscribe(TYPE.route, ['r']);
    await client.waitFor((c) => c.names(TYPE.route).length === 1 && c.names(TYPE.endpoint).length === 1);
    const before = client.responses.length;
    client.reconnect();
    await client.waitFor(() => rig.server.streams().some((s) => s.types.length === 4));
    await quiet();
    expect(client.responses).toHaveLength(before);
    rig.update(route('r', ['a'], 1));
    await client.waitFor((c) => c.responses.length === before + 1);
  });

  it.each([
    ['everything was asked for', 'lds', TYPE.listener, []],
    ['they were asked for by name', 'rds', TYPE.route, ['here', 'gone', 'missing']],
  ] as const)('DELTA-8 (a) names that are no longer there are removed, when %s', async (_, service, type, names) => {
    rig.publish(listener('here'), route('here'));
    const { version } = type === TYPE.listener ? listener('here') : route('here');
    const client = rig.client({ service });
    client.send({ type, names, initialVersions: { here: version, gone: 'v1' } });
    await client.waitFor((c) => c.responses.length === 1);
    await quiet();
    expect(client.responses).toHaveLength(1);
    expect(client.responses[0]).toMatchObject({
      resources: [],
      removed: names.length === 0 ? ['gone'] : ['gone', 'missing'],
    });
  });

  it('DELTA-8 (b) an equal version is skipped although its name is subscribed; without a version it is not', async () => {
    rig.publish(route('a'), route('b'), route('c'));
    const client = rig.client();
    const initialVersions = { a: route('a').version, b: 'older' };
    client.send({ type: TYPE.route, names: ['a', 'b', 'c'], initialVersions });
    await client.waitFor((c) => c.responsesOf(TYPE.route).flatMap((r) => r.resources).length === 2);
    await quiet();
    expect(client.names(TYPE.route)).toEqual(['b', 'c']);
    client.send({ type: TYPE.route, names: ['a'] });
    await client.waitFor((c) => c.names(TYPE.route).includes('a'));
  });

  it('DELTA-8 (c) a name that is listed as held and not subscribed is no subscription', async () => {
    rig.publish(route('a'), route('b'));
    const client = rig.client();
    client.send({ type: TYPE.route, names: ['a'], initialVersions: { a: route('a').version, b: 'older', gone: 'v' } });
    await client.waitFor(() => rig.state(TYPE.route) !== undefined);
    rig.update(route('a', [], 1), route('b', [], 1));
    await client.waitFor((c) => c.names(TYPE.route).length === 1);
    await quiet();
    expect(rig.state(TYPE.route)?.subscribed).toEqual(['a']);
    expect(client.names(TYPE.route)).toEqual(['a']);
  });

  it('DELTA-9 initial versions on a later message are ignored', async () => {
    rig.publish(cluster('a'));
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.responses.length === 1);
    client.send({ type: TYPE.cluster, initialVersions: { ghost: 'v' } });
    await quiet();
    expect(client.responses).toHaveLength(1);
  });

  it('DELTA-10 BUG-38 a wildcard with nothing to send is answered with an empty response', async () => {
    const client = rig.client().subscribe(TYPE.listener);
    await client.waitFor((c) => c.responses.length === 1);
    expect(client.responses[0]).toMatchObject({ resources: [], removed: [], type: TYPE.listener });
  });

  it('DELTA-11 a subscription change in an ACK, a NACK or with a stale nonce is honoured', async () => {
    rig.publish(endpoints('a'), endpoints('b'), endpoints('c'), endpoints('d'));
    const client = rig.client({ judge: () => SILENCE });
    client.send({ type: TYPE.endpoint, names: ['a'] });
    await client.waitFor((c) => c.responses.length === 1);
    client.send({ type: TYPE.endpoint, names: ['b'], nonce: client.responses[0]?.nonce ?? '' });
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 0 && c.responses.length === 2);
    client.send({ type: TYPE.endpoint, names: ['c'], nonce: client.responses[1]?.nonce ?? '', error: 'no' });
    await client.waitFor((c) => c.responses.length === 3);
    expect(client.responses[2]?.resources.map((r) => r.name)).toContain('c');
    client.send({ type: TYPE.endpoint, nonce: client.responses[2]?.nonce ?? '' });
    client.send({ type: TYPE.endpoint, names: ['d'], nonce: 'stale' });
    await client.waitFor((c) => c.responses.length === 4);
    expect(client.responses[3]?.resources.map((r) => r.name)).toEqual(['d']);
  });

  it('DELTA-12 GEN-8 one response is in flight, and what changes meanwhile is merged into the next', async () => {
    rig.publish(endpoints('a'));
    const client = rig.client({ judge: () => SILENCE });
    client.send({ type: TYPE.endpoint, names: ['a'] });
    await client.waitFor((c) => c.responses.length === 1);
    for (const port of [81, 82, 83]) rig.update(endpoints('a', port));
    await quiet();
    expect(client.responses).toHaveLength(1);
    client.send({ type: TYPE.endpoint, nonce: client.responses[0]?.nonce ?? '' });
    await client.waitFor((c) => c.responses.length === 2);
    expect(client.responses[1]?.resources[0]?.version).toBe(endpoints('a', 83).version);
  });

  it('DELTA-17 what was added and removed again before it was sent is never sent', async () => {
    const client = rig.client({ judge: () => SILENCE });
    client.send({ type: TYPE.cluster });
    await client.waitFor((c) => c.responses.length === 1);
    rig.publish(cluster('short'));
    rig.publish();
    client.send({ type: TYPE.cluster, nonce: client.responses[0]?.nonce ?? '' });
    await quiet();
    expect(client.responses).toHaveLength(1);
  });

  describe('DELTA-16', () => {
    const LIMIT = 60_000;
    const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `shop/orders-${i}/8080`);
    const version = 'f'.repeat(32);

    it('DELTA-16 a reconnect with 60,000 names and as many versions is served', async () => {
      const [first = '', ...others] = named(LIMIT);
      rig.publish(route(first));
      // On a service of its own: aggregated, routes would wait for the listeners that may use them.
      const client = rig.client({ service: 'rds' });
      const initialVersions = Object.fromEntries([first, ...others].map((name) => [name, version]));
      client.send({ type: TYPE.route, names: [first, ...others], initialVersions });
      await client.waitFor((c) => c.responses.flatMap((r) => r.removed).length === LIMIT - 1, 60_000);
      expect(client.names(TYPE.route)).toEqual([first]);
      expect(client.ended).toBeUndefined();
    });

    it.each([
      ['names', () => [{ names: named(LIMIT + 1) }]],
      ['versions', () => [{ initialVersions: Object.fromEntries(named(LIMIT + 1).map((name) => [name, version])) }]],
      ['names in two requests', () => [{ names: named(LIMIT) }, { names: ['one-more'] }]],
    ] as const)('DELTA-16 SEC-9 one more is RESOURCE_EXHAUSTED: %s', async (_, requests) => {
      const client = rig.client({ judge: () => SILENCE });
      for (const request of requests()) client.send({ type: TYPE.route, ...request });
      await client.waitFor((c) => c.ended !== undefined, 60_000);
      expect(client.ended?.code).toBe(GRPC.RESOURCE_EXHAUSTED);
      expect(rig.metrics.counts.get('xds_limit_total maxNames')).toBe(1);
    });
  });
});

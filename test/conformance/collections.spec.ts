import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FakeXdsClient, ReceivedResponse } from '../../libs/testing/src/xds-client/index.js';
import { cluster, lbEndpoint, quiet, Rig, TYPE } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

const IN = 'xdstp://mesh/envoy.config.endpoint.v3.LbEndpoint';
const ALL = `${IN}/orders/*`;
const one = (id: string, port = 80) => lbEndpoint(`${IN}/orders/${id}`, port);

/** `+a +b -c`, by the last segments of names. */
const words = (r: ReceivedResponse): string =>
  [...r.resources.map(({ name }) => `+${name.split('/').at(-1)}`), ...r.removed.map((n) => `-${n.split('/').at(-1)}`)]
    .sort()
    .join(' ');
const said = (client: FakeXdsClient): string[] => client.responses.map(words);
const ask = (client: FakeXdsClient, ...names: string[]): FakeXdsClient => client.subscribe(TYPE.lbEndpoint, names);

describe('names of the form xdstp', () => {
  it('TP-1 a name is found however its parameters are ordered and written, and sent in one form', async () => {
    rig.publish(lbEndpoint(`${IN}/a?k=1&z=2`));
    const other = ask(rig.client(), `${IN}/a?k=1&z=2`, `${IN}/%61?z=2&k=1`);
    await other.waitFor((c) => c.responses.length === 1);
    await quiet();
    expect(other.names(TYPE.lbEndpoint)).toEqual([`${IN}/a?k=1&z=2`]);
    expect(rig.state(TYPE.lbEndpoint)?.subscribed).toEqual([`${IN}/a?k=1&z=2`]);
    expect(other.responses).toHaveLength(1);
  });

  it('TP-1 another parameter, or one twice, is another name', async () => {
    rig.publish(lbEndpoint(`${IN}/a?k=1`));
    const client = ask(rig.client(), `${IN}/a?k=2`, `${IN}/a?k=1&k=1`, `${IN}/a`);
    await client.waitFor((c) => c.responses.length === 1);
    expect([client.names(TYPE.lbEndpoint), client.responses[0]?.removed.length]).toEqual([[], 3]);
  });

  it('TP-1 is published in the form in which it is sent, or not at all', () => {
    expect(() => rig.publish(lbEndpoint(`${IN}/a?z=1&k=2`))).toThrow(`must be named ${IN}/a?k=2&z=1`);
  });

  it('TP-3 both forms go on one stream, and `*` does not include these', async () => {
    rig.publish(cluster('plain'), cluster('xdstp://mesh/envoy.config.cluster.v3.Cluster/far'));
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 1);
    await quiet();
    expect(client.names(TYPE.cluster)).toEqual(['plain']);
    client.subscribe(TYPE.cluster, ['xdstp://mesh/envoy.config.cluster.v3.Cluster/far']);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
  });

  it('TP-3 in state-of-the-world too, where they leave the set with their name', async () => {
    const far = 'xdstp://mesh/envoy.config.cluster.v3.Cluster/far';
    rig.publish(cluster('plain'), cluster(far));
    const client = rig.client({ variant: 'sotw' }).subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'plain');
    client.subscribe(TYPE.cluster, [far]);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
    client.unsubscribe(TYPE.cluster, [far]);
    await quiet();
    rig.update(cluster('plain', 1));
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'plain');
  });
});

describe('collections of endpoints (LEDS)', () => {
  it('TP-2 a glob asks for all names one level below it, now and later', async () => {
    rig.publish(one('a'), one('b'), lbEndpoint(`${IN}/orders/deep/c`), lbEndpoint(`${IN}/users/d`), one('e?zone=1'));
    const client = ask(rig.client(), ALL);
    await client.waitFor((c) => c.responses.length === 1);
    rig.publish(one('a'), one('b', 81), one('f'), lbEndpoint(`${IN}/users/d`, 81));
    await client.waitFor((c) => c.names(TYPE.lbEndpoint).length === 3);
    await quiet();
    expect(said(client)).toEqual(['+a +b', '+b +f']);
  });

  it('TP-2 parameters of a glob are those of its members', async () => {
    rig.publish(one('a'), one('b?zone=1'), one('c?zone=2'));
    const client = ask(rig.client(), `${ALL}?zone=1`);
    await client.waitFor((c) => c.responses.length === 1);
    expect(client.names(TYPE.lbEndpoint)).toEqual([`${IN}/orders/b?zone=1`]);
  });

  it('TP-2 DELTA-4 a member that goes is removed by its name, the last one too', async () => {
    rig.publish(one('a'), one('b'));
    const client = ask(rig.client(), ALL);
    await client.waitFor(() => rig.state(TYPE.lbEndpoint)?.acked.size === 2);
    rig.publish(one('b'));
    await client.waitFor((c) => c.names(TYPE.lbEndpoint).length === 1);
    rig.publish();
    await client.waitFor((c) => c.names(TYPE.lbEndpoint).length === 0);
    expect(said(client)).toEqual(['+a +b', '-a', '-b']);
  });

  it('TP-2 DELTA-5 an empty collection is answered by the glob as removed, and fills when it has members', async () => {
    const client = ask(rig.client(), ALL);
    await client.waitFor((c) => c.responses.length === 1);
    expect(client.responses[0]?.removed).toEqual([ALL]);
    rig.publish(one('a'));
    await client.waitFor((c) => c.names(TYPE.lbEndpoint).length === 1);
  });

  it('TP-2 several globs, and single names beside them; what still includes a name keeps it', async () => {
    rig.publish(one('a'), one('b'), lbEndpoint(`${IN}/users/d`));
    const client = ask(rig.client(), ALL, `${IN}/users/*`, `${IN}/orders/a`);
    await client.waitFor(() => rig.state(TYPE.lbEndpoint)?.acked.size === 3);
    client.unsubscribe(TYPE.lbEndpoint, [ALL]);
    await expect
      .poll(() => [...(rig.state(TYPE.lbEndpoint)?.acked.keys() ?? [])].sort())
      .toEqual([`${IN}/orders/a`, `${IN}/users/d`]);
    rig.publish(one('a', 81), one('b', 81), lbEndpoint(`${IN}/users/d`, 81));
    await client.waitFor((c) => c.responses.length === 2);
    expect(said(client)[1]).toBe('+a +d');
  });

  it('DELTA-6 a name that leaves and is still in a glob is answered', async () => {
    rig.publish(one('a'), one('b'));
    const client = ask(rig.client(), ALL, `${IN}/orders/a`);
    await client.waitFor(() => rig.state(TYPE.lbEndpoint)?.acked.size === 2);
    client.send({ type: TYPE.lbEndpoint, unsubscribe: [`${IN}/orders/a`] });
    await client.waitFor((c) => c.responses.length === 2);
    expect(said(client)[1]).toBe('+a');
  });

  it('DELTA-8 a reconnect with the members of a glob gets what changed and loses what is gone', async () => {
    rig.publish(one('a'), one('b'), one('c'));
    const client = ask(rig.client(), ALL);
    await client.waitFor((c) => c.names(TYPE.lbEndpoint).length === 3);
    client.disconnect();
    rig.publish(one('a'), one('b', 81));
    client.responses.length = 0;
    client.reconnect();
    await client.waitFor((c) => c.names(TYPE.lbEndpoint).length === 2);
    await quiet();
    expect(said(client)).toEqual(['+b -c']);
  });

  it('ENV-10 one that says nothing of what it holds, as Envoy does, loses what went while it was away', async () => {
    rig.publish(one('a'), one('b'));
    const client = ask(rig.client(), ALL);
    await client.waitFor(() => rig.state(TYPE.lbEndpoint)?.acked.size === 2);
    client.disconnect();
    await expect.poll(() => rig.server.streams().length).toBe(0);
    rig.publish(one('a'));
    client.responses.length = 0;
    client.connect().send({ type: TYPE.lbEndpoint, names: [ALL] });
    await client.waitFor((c) => c.names(TYPE.lbEndpoint).length === 1);
    expect(said(client)).toEqual(['+a -b']);
  });

  it('OND-4 an empty request asks for nothing; the type has a stream of its own and no state-of-the-world', async () => {
    rig.publish(one('a'), cluster('plain'));
    const client = rig.client({ service: 'leds' });
    client.send({ type: TYPE.lbEndpoint, names: [] });
    client.send({ type: TYPE.lbEndpoint, names: ['*'] });
    await quiet();
    expect(client.responses).toEqual([]);
    ask(client, ALL);
    await client.waitFor((c) => c.names(TYPE.lbEndpoint).length === 1);
    const sotw = ask(rig.client({ variant: 'sotw' }), ALL).subscribe(TYPE.cluster);
    await sotw.waitFor((c) => c.names(TYPE.cluster).length === 1);
    await quiet();
    expect(sotw.responses).toHaveLength(1);
  });

  it('NET-6 a change of one member costs one encode, and concerns nobody who has another collection', async () => {
    rig.publish(...Array.from({ length: 50 }, (_, i) => one(`n${i}`)), lbEndpoint(`${IN}/users/d`));
    const [orders, users] = [ask(rig.client(), ALL), ask(rig.client({ node: { id: 'alice/2' } }), `${IN}/users/*`)];
    await orders.waitFor((c) => c.names(TYPE.lbEndpoint).length === 50);
    await users.waitFor((c) => c.names(TYPE.lbEndpoint).length === 1);
    const before = rig.server.counters();
    const change = rig.update(one('n7', 81));
    await expect.poll(() => rig.server.progress(change).acked).toBe(2);
    const after = rig.server.counters();
    expect([after.encodes - before.encodes, after.responses - before.responses]).toEqual([1, 1]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeXdsClient, type ReceivedResponse, SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, GRPC, listener, quiet, Rig, route, TYPE, virtualHost } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

const OLD = { id: 'alice/1', userAgentVersion: '1.36.4' };
const NEW = { id: 'alice/1', userAgentVersion: '1.40.0' };
const shop = (mark = 0, requires: readonly string[] = []) =>
  virtualHost('rc/shop', ['rc/shop.mesh', 'rc/shop.mesh:80'], { mark, requires });

/** Its resources: `name(alias,alias)`, `!` where there is no content; and `-name`. */
const words = (r: ReceivedResponse): string =>
  [
    ...r.resources.map(({ name, aliases, hollow }) => `${hollow ? '!' : ''}${name}(${aliases.join()})`),
    ...r.removed.map((name) => `-${name}`),
  ].join(' ');
const said = (client: FakeXdsClient): string[] => client.responsesOf(TYPE.virtualHost).map(words);
const ask = (client: FakeXdsClient, ...names: string[]): FakeXdsClient => client.subscribe(TYPE.virtualHost, names);

describe('virtual hosts on demand', () => {
  it('OND-1 DELTA-14 a host asked for by an alias comes under its own name, with the alias that was asked for', async () => {
    rig.publish(shop());
    const client = ask(rig.client(), 'rc/shop.mesh');
    await client.waitFor((c) => said(c).length === 1);
    expect(said(client)).toEqual(['rc/shop(rc/shop.mesh,rc/shop.mesh:80)']);
    expect(client.versions(TYPE.virtualHost).get('rc/shop')).toBe(shop().version);
  });

  it('DELTA-14 is sent again when another of its aliases is asked for, and once when it changes', async () => {
    rig.publish(shop());
    const client = ask(rig.client(), 'rc/shop.mesh');
    await client.waitFor((c) => said(c).length === 1);
    ask(client, 'rc/shop.mesh:80');
    await client.waitFor((c) => said(c).length === 2);
    rig.publish(shop(1));
    await client.waitFor((c) => c.versions(TYPE.virtualHost).get('rc/shop') === shop(1).version);
    await quiet();
    expect(said(client)).toHaveLength(3);
  });

  it('DELTA-4 DELTA-14 is removed under the name by which the client knows it', async () => {
    rig.publish(shop());
    const client = ask(rig.client(), 'rc/shop.mesh');
    await client.waitFor((c) => said(c).length === 1);
    rig.publish();
    await client.waitFor((c) => said(c).length === 2);
    expect(said(client)[1]).toBe('-rc/shop');
    rig.publish(shop());
    await client.waitFor((c) => said(c).length === 3);
    expect(client.names(TYPE.virtualHost)).toEqual(['rc/shop']);
  });

  it('OND-2 DELTA-15 an unknown host is a resource with its names and no content, and comes when it exists', async () => {
    const client = ask(rig.client(), 'rc/nobody');
    await client.waitFor((c) => said(c).length === 1);
    expect(said(client)).toEqual(['!rc/nobody(rc/nobody)']);
    await quiet();
    rig.publish(virtualHost('rc/late', ['rc/nobody']));
    await client.waitFor((c) => said(c).length === 2);
    expect(said(client)[1]).toBe('rc/late(rc/nobody)');
  });

  it('OND-2 DELTA-8 what was nothing on the last stream is not said again, not removed, and comes when it exists', async () => {
    const client = rig.client();
    client.send({ type: TYPE.virtualHost, names: ['rc/nobody'], initialVersions: { 'rc/nobody': '-' } });
    await expect.poll(() => rig.state(TYPE.virtualHost)?.subscribed).toEqual(['rc/nobody']);
    await quiet();
    rig.publish(virtualHost('rc/late', ['rc/nobody']));
    await client.waitFor((c) => said(c).length === 1);
    expect(said(client)).toEqual(['rc/late(rc/nobody)']);
  });

  it('an alias that passes to another host takes the client with it, and the old one is removed', async () => {
    rig.publish(virtualHost('rc/blue', ['rc/shop.mesh']), virtualHost('rc/green', []));
    const client = ask(rig.client(), 'rc/shop.mesh');
    await client.waitFor((c) => said(c).length === 1);
    rig.publish(virtualHost('rc/blue', []), virtualHost('rc/green', ['rc/shop.mesh']));
    await client.waitFor((c) => c.names(TYPE.virtualHost).join() === 'rc/green');
    expect(said(client)).toEqual(['rc/blue(rc/shop.mesh)', 'rc/green(rc/shop.mesh) -rc/blue']);
  });

  it('an alias that a held host gains is said, though its content is what it was', async () => {
    rig.publish(virtualHost('rc/shop', ['rc/a']));
    const client = ask(rig.client(), 'rc/a', 'rc/b');
    await client.waitFor((c) => said(c).length === 1);
    rig.publish(virtualHost('rc/shop', ['rc/a', 'rc/b']));
    await client.waitFor((c) => said(c).length === 2);
    expect(said(client)[1]).toBe('rc/shop(rc/a,rc/b)');
  });

  it('SOTW-7 DELTA-6 one of two aliases may leave; with the last the host is forgotten, and then sent again', async () => {
    rig.publish(shop());
    const client = ask(rig.client(), 'rc/shop.mesh', 'rc/shop.mesh:80');
    await client.waitFor(() => rig.state(TYPE.virtualHost)?.acked.size === 1);
    client.unsubscribe(TYPE.virtualHost, ['rc/shop.mesh']);
    await quiet();
    expect(rig.state(TYPE.virtualHost)?.acked.size).toBe(1);
    client.unsubscribe(TYPE.virtualHost, ['rc/shop.mesh:80']);
    await client.waitFor(() => rig.state(TYPE.virtualHost)?.acked.size === 0);
    expect(said(client)).toHaveLength(1);
    ask(client, 'rc/shop.mesh');
    await client.waitFor((c) => said(c).length === 2);
  });

  it('OND-3 hosts follow an update of their routes to an Envoy that loses them, and to no other', async () => {
    rig.publish(listener('l'), route('rc'), route('other'), shop());
    const clients = [OLD, NEW].map((node) =>
      ask(rig.client({ node }).subscribe(TYPE.route, ['rc', 'other']), 'rc/shop.mesh'),
    );
    for (const one of clients) await one.waitFor((c) => said(c).length === 1 && c.names(TYPE.route).length === 2);
    const change = rig.update(route('rc', [], 1));
    await expect.poll(() => rig.server.progress(change)).toEqual({ streams: 2, acked: 2 });
    expect(clients.map((c) => said(c).length)).toEqual([2, 1]);
    await expect.poll(() => rig.server.progress(rig.update(route('other', [], 1))).acked).toBe(2);
    expect(clients.map((c) => said(c).length)).toEqual([2, 1]);
  });

  it('OND-4 BUG-25 an empty first request asks for nothing, and so does the `*` of a reconnect', async () => {
    rig.publish(shop());
    const [first, second] = [rig.client(), rig.client()];
    first.send({ type: TYPE.virtualHost });
    second.send({ type: TYPE.virtualHost, names: ['*'] });
    await expect.poll(() => rig.server.streams().map(({ types }) => types[0]?.subscribed)).toEqual([[], []]);
    await quiet();
    expect([...said(first), ...said(second)]).toEqual([]);
    ask(first, 'rc/shop.mesh');
    await first.waitFor((c) => said(c).length === 1);
  });

  it('DELTA-8 a reconnect lists hosts by their names: gone ones are removed; what is asked by an alias is answered once', async () => {
    rig.publish(shop(), virtualHost('rc/old', ['rc/old.mesh']));
    const client = ask(rig.client(), 'rc/shop.mesh', 'rc/old.mesh');
    await client.waitFor((c) => c.names(TYPE.virtualHost).length === 2);
    client.disconnect();
    rig.publish(shop());
    client.responses.length = 0;
    client.connect().send({
      ...{ type: TYPE.virtualHost, names: ['*', 'rc/shop.mesh', 'rc/old.mesh'] },
      initialVersions: Object.fromEntries(client.versions(TYPE.virtualHost)),
    });
    await client.waitFor((c) => said(c).length === 1);
    await quiet();
    expect(said(client)).toEqual(['rc/shop(rc/shop.mesh,rc/shop.mesh:80) !rc/old.mesh(rc/old.mesh) -rc/old']);
  });

  it('ORD-1 ORD-3 a host goes last, and waits for the cluster that it names', async () => {
    rig.publish(cluster('a'));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.route, ['rc']);
    ask(client, 'rc/shop.mesh');
    await client.waitFor((c) => said(c).length === 1);
    client.judgeWith((r) => (r.type === TYPE.cluster ? SILENCE : undefined));
    client.responses.length = 0;
    rig.update(cluster('b'), route('rc'), shop(0, ['b']));
    await client.waitFor((c) => c.responsesOf(TYPE.route).length === 1);
    await quiet();
    expect(client.responses.map(({ type }) => type)).toEqual([TYPE.cluster, TYPE.route]);
    client.send({ type: TYPE.cluster, nonce: client.responsesOf(TYPE.cluster)[0]?.nonce ?? '' });
    await client.waitFor((c) => said(c).length === 1);
  });

  it('ORD-2 a cluster stays as long as a host that is held names it', async () => {
    rig.publish(cluster('a'), shop(0, ['a']));
    const client = ask(rig.client().subscribe(TYPE.cluster), 'rc/shop.mesh');
    await client.waitFor((c) => said(c).length === 1);
    rig.publish(shop(1));
    await client.waitFor((c) => c.names(TYPE.cluster).length === 0);
    const order = client.responses.map(
      ({ type, removed }) => `${type === TYPE.cluster ? 'cluster' : 'host'}${removed}`,
    );
    expect(order).toEqual(['cluster', 'host', 'host', 'clustera']);
  });

  it('GEN-10 OND-2 a host that is refused is nothing, at once and to who asks again; its next content is sent', async () => {
    rig.publish(shop());
    const client = rig.client({ judge: ({ resources }) => (resources.some((r) => !r.hollow) ? 'no' : undefined) });
    ask(client, 'rc/shop.mesh');
    await client.waitFor((c) => said(c).length === 2);
    ask(client, 'rc/shop.mesh:80');
    await client.waitFor((c) => said(c).length === 3);
    expect(said(client).slice(1)).toEqual(Array(2).fill('!rc/shop(rc/shop.mesh,rc/shop.mesh:80)'));
    client.judgeWith(() => undefined);
    rig.publish(shop(1));
    await client.waitFor((c) => c.names(TYPE.virtualHost).length === 1);
    expect(rig.nacks).toHaveLength(1);
  });

  it('are served on a stream of their own, and not in state-of-the-world, where the type is passed over', async () => {
    rig.publish(shop(), cluster('a'));
    const alone = ask(rig.client({ service: 'vhds' }), 'rc/shop.mesh');
    await alone.waitFor((c) => said(c).length === 1);
    const sotw = ask(rig.client({ variant: 'sotw' }), 'rc/shop.mesh').subscribe(TYPE.cluster);
    await sotw.waitFor((c) => c.names(TYPE.cluster).length === 1);
    await quiet();
    expect(said(sotw)).toEqual([]);
    const second = rig.client({ service: 'vhds', node: { id: 'alice/2' } });
    second.send({ type: TYPE.cluster });
    await second.waitFor((c) => c.ended !== undefined);
    expect(second.ended?.code).toBe(GRPC.INVALID_ARGUMENT);
  });

  it('aliases are for virtual hosts: for others a publication is refused as a whole', () => {
    expect(() => rig.publish(cluster('good'), { ...cluster('a'), aliases: ['b'] })).toThrow('Cluster/a has aliases');
  });
});

describe('clusters on demand', () => {
  const onDemand = { ...cluster('rare'), onDemand: true };

  it('OND-5 WILD-5 are no part of the wildcard, and sent to who names them beside it', async () => {
    rig.publish(cluster('a'), onDemand);
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 1);
    await quiet();
    expect(client.names(TYPE.cluster)).toEqual(['a']);
    client.subscribe(TYPE.cluster, ['rare']);
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'a,rare');
    expect(client.responses).toHaveLength(2);
  });

  it('OND-5 a name that does not exist is answered at once as removed, beside the wildcard and without it', async () => {
    rig.publish(cluster('a'));
    const [beside, alone] = [rig.client().subscribe(TYPE.cluster), rig.client()];
    await beside.waitFor((c) => c.names(TYPE.cluster).length === 1);
    for (const client of [beside, alone]) {
      client.subscribe(TYPE.cluster, ['rare']);
      await client.waitFor((c) => c.responses.at(-1)?.removed.join() === 'rare');
    }
    rig.update(onDemand);
    for (const client of [beside, alone]) await client.waitFor((c) => c.names(TYPE.cluster).includes('rare'));
  });

  it('OND-5 DELTA-6 who leaves the name is told that it is no more', async () => {
    rig.publish(cluster('a'), onDemand);
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.cluster, ['rare']);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
    client.send({ type: TYPE.cluster, unsubscribe: ['rare'] });
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'a');
    rig.update({ ...cluster('rare', 1), onDemand: true });
    await quiet();
    expect(client.names(TYPE.cluster)).toEqual(['a']);
  });

  it('OND-5 in state-of-the-world they are in the set of who names them, and leave it with the name', async () => {
    rig.publish(cluster('a'), onDemand);
    const client = rig.client({ variant: 'sotw' }).subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'a');
    client.subscribe(TYPE.cluster, ['rare']);
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'a,rare');
    client.unsubscribe(TYPE.cluster, ['rare']);
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'a');
  });

  it('OND-5 a cluster may become one, or cease to be: what the wildcard includes follows', async () => {
    rig.publish(cluster('a'), cluster('rare'));
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
    rig.publish(cluster('a'), onDemand);
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'a');
    rig.publish(cluster('a'), cluster('rare'));
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
  });

  it('OND-5 a reconnect with them is quiet', async () => {
    rig.publish(cluster('a'), onDemand);
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.cluster, ['rare']);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
    client.responses.length = 0;
    client.reconnect();
    await expect.poll(() => rig.state(TYPE.cluster)?.acked.size).toBe(2);
    await quiet();
    expect(client.responses).toEqual([]);
  });
});

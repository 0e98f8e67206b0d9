import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ReceivedResponse, SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, listener, quiet, Rig, route, TYPE } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

/** How many resources each response of the type had. */
const sizes = (responses: readonly ReceivedResponse[]): number[] => responses.map((r) => r.resources.length);

describe('a state-of-the-world client that comes back', () => {
  it('SOTW-4 gets no listener set before it is whole: one that waits for its cluster would be deleted', async () => {
    rig.publish(cluster('a'), listener('l1', ['a']), listener('l2'));
    const client = rig.client({ variant: 'sotw' }).subscribe(TYPE.cluster).subscribe(TYPE.listener);
    await client.waitFor((c) => c.names(TYPE.listener).length === 2);
    const before = client.responsesOf(TYPE.listener).length;
    client.judgeWith((response) => (response.type === TYPE.cluster ? SILENCE : undefined));
    client.reconnect();
    await quiet();
    expect(client.responsesOf(TYPE.listener)).toHaveLength(before);
    client.judgeWith(() => undefined);
    client.reconnect();
    await client.waitFor((c) => c.responsesOf(TYPE.listener).length > before);
    expect(sizes(client.responsesOf(TYPE.listener).slice(before))).toEqual([2]);
  });

  it('SOTW-4 is not kept waiting for a cluster that it refuses or that does not exist', async () => {
    rig.publish(cluster('a'), listener('l1', ['a']), listener('l2'));
    const client = rig.client({ variant: 'sotw' }).subscribe(TYPE.cluster).subscribe(TYPE.listener);
    await client.waitFor((c) => c.names(TYPE.listener).length === 2);
    rig.publish(listener('l1', ['a']), listener('l2', [], 1));
    await client.waitFor((c) => c.responsesOf(TYPE.listener).length === 2);
    client.reconnect();
    await client.waitFor((c) => c.responsesOf(TYPE.listener).length === 3);
    expect(client.names(TYPE.listener)).toEqual(['l1', 'l2']);
  });

  it('ENV-9 REL-23 keeps what it had pinned: every set names it until one is accepted whole', async () => {
    rig.publish(listener('l'), listener('m'));
    const client = rig.client({ variant: 'sotw' }).subscribe(TYPE.listener);
    await client.waitFor((c) => c.names(TYPE.listener).length === 2);
    const bad = listener('l', [], 1).bytes;
    client.judgeWith((r) =>
      r.resources.some(({ bytes }) => Buffer.from(bytes).equals(bad))
        ? 'Error adding/updating listener(s) l: no'
        : undefined,
    );
    rig.update(listener('l', [], 1));
    await client.waitFor(() => rig.nacks.length === 1);
    const before = client.responses.length;
    client.reconnect();
    await client.waitFor(() => rig.nacks.length === 2);
    rig.update(listener('m', [], 2));
    await client.waitFor(() => rig.nacks.length === 3);
    await quiet();
    expect(sizes(client.responses.slice(before))).toEqual([2, 2]);
    expect(rig.nacks.at(-1)).toMatchObject({ names: ['l'], isolated: true });
    expect(rig.state(TYPE.listener)?.refused.map(({ name }) => name)).toEqual(['l']);
    rig.update(listener('l', [], 3));
    await client.waitFor((c) => c.responses.length === before + 3);
    await quiet();
    rig.update(listener('l', [], 1)); // refused alone on this stream: not sent again (GEN-10)
    await quiet();
    expect(rig.nacks).toHaveLength(3);
    expect(client.names(TYPE.listener)).toEqual(['l', 'm']);
  });
});

describe('a delta client that comes back', () => {
  it('ORD-9 ORD-10 is answered at once when it asks for endpoints first and they are gone', async () => {
    await rig.stop();
    rig = await Rig.start({ limits: { settleMs: 500, checkMs: 50 } });
    rig.publish(cluster('x'), endpoints('x'));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['x']);
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    client.disconnect();
    rig.publish();
    client.reconnect([TYPE.endpoint]);
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 0);
    client.resubscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 0);
  });

  it('ENV-1 REL-24 loses what it runs of a refused response, also when the stream was cut in between', async () => {
    rig.publish(cluster('g1'), cluster('bad'), cluster('g2'));
    const client = rig.client({ judge: () => SILENCE }).subscribe(TYPE.cluster);
    await client.waitFor((c) => c.responses.length === 1);
    const clusters = () => client.responsesOf(TYPE.cluster);
    client.disconnect();
    await expect.poll(() => rig.server.streams().length).toBe(0);
    rig.publish(cluster('g2'));
    // A stream that ends before it asks for clusters changes nothing of that.
    client.connect().subscribe(TYPE.endpoint, ['e']);
    await expect.poll(() => rig.server.streams().length).toBe(1);
    client.disconnect();
    await expect.poll(() => rig.server.streams().length).toBe(0);
    client.judgeWith(() => undefined);
    client.reconnect();
    await client.waitFor(() => clusters().flatMap(({ removed }) => removed).length === 2);
    expect(
      clusters()
        .flatMap(({ removed }) => removed)
        .sort(),
    ).toEqual(['bad', 'g1']);
    const before = clusters().length;
    client.reconnect();
    await quiet();
    expect(
      clusters()
        .slice(before)
        .flatMap(({ removed }) => removed),
    ).toEqual([]);
  });

  it('DELTA-8 on a service of endpoints alone gets nothing that it has', async () => {
    rig.publish(endpoints('a'), endpoints('b'));
    const client = rig.client({ service: 'eds' }).subscribe(TYPE.endpoint, ['a', 'b']);
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 2);
    const before = client.responses.length;
    client.reconnect();
    await quiet();
    expect(client.responses).toHaveLength(before);
  });
});

describe('who asks is answered', () => {
  it('GEN-10 but not with a hash that was refused, however often its cluster changes', async () => {
    rig.publish(cluster('a'), endpoints('a'));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a']);
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    client.judgeWith((r) => (r.type === TYPE.endpoint ? 'no' : undefined));
    rig.update(cluster('a', 1));
    await client.waitFor(() => rig.nacks.length === 1);
    for (const mark of [2, 3, 4]) rig.update(cluster('a', mark));
    await client.waitFor((c) => c.versions(TYPE.cluster).get('a') === cluster('a', 4).version);
    await quiet();
    expect(client.responsesOf(TYPE.endpoint)).toHaveLength(2);
  });

  it('DELTA-5 that it gets nothing, when all there is was refused', async () => {
    rig.publish(route('r'));
    const client = rig.client({ judge: () => 'no' }).subscribe(TYPE.route, ['r']);
    await client.waitFor(() => rig.nacks.length === 1);
    client.judgeWith(() => undefined);
    client.unsubscribe(TYPE.route, ['r']).subscribe(TYPE.route, ['r']);
    await client.waitFor((c) => c.responses.length === 2);
    expect(client.responses[1]).toMatchObject({ resources: [], removed: ['r'] });
  });

  it('DELTA-6 with what it had, while the newest waits for a cluster', async () => {
    rig.publish(cluster('a'), route('r', ['a']));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.route, ['r']);
    await client.waitFor((c) => c.names(TYPE.route).length === 1);
    client.judgeWith((r) => (r.type === TYPE.cluster ? SILENCE : undefined));
    rig.update(cluster('b'), route('r', ['b']));
    await client.waitFor((c) => c.responsesOf(TYPE.cluster).length === 2);
    client.send({ type: TYPE.route, names: ['r'] });
    await client.waitFor((c) => c.responsesOf(TYPE.route).length === 2);
    expect(client.versions(TYPE.route).get('r')).toBe(route('r', ['a']).version);
    client.send({ type: TYPE.cluster, nonce: client.responsesOf(TYPE.cluster)[1]?.nonce ?? '' });
    await client.waitFor((c) => c.versions(TYPE.route).get('r') === route('r', ['b']).version);
  });

  it('ENV-7 by a route to a cluster that it refuses, when it has no routes yet: the others work', async () => {
    rig.publish(cluster('good'), cluster('bad'), route('r', ['good', 'bad']), listener('l', ['good', 'bad', 'none']));
    const refuses = (r: ReceivedResponse) =>
      r.resources.some(({ name }) => name === 'bad') ? 'Error adding/updating cluster(s) bad: no' : undefined;
    const client = rig.client({ judge: refuses }).subscribe(TYPE.cluster).subscribe(TYPE.listener);
    client.subscribe(TYPE.route, ['r']);
    await client.waitFor((c) => c.names(TYPE.route).length === 1 && c.names(TYPE.listener).length === 1);
    expect(client.names(TYPE.cluster)).toEqual(['good']);
    // Who has a table that works keeps it, rather than one that names a cluster which will not come.
    rig.update(route('r', ['none']));
    await quiet();
    expect(client.versions(TYPE.route).get('r')).toBe(route('r', ['good', 'bad']).version);
  });

  it('NET-7 in parts, when the answer is larger than a response may be', async () => {
    await rig.stop();
    rig = await Rig.start({ limits: { maxResponseBytes: 10_000 } });
    const names = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(1000, 'x'));
    const client = rig.client().subscribe(TYPE.endpoint, names);
    await client.waitFor((c) => c.responses.flatMap((r) => r.removed).length === 100);
    expect(client.responses.length).toBeGreaterThan(10);
    expect(Math.max(...client.responses.map((r) => r.bytes))).toBeLessThan(12_000);
  });
});

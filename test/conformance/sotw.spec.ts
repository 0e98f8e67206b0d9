import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, listener, quiet, Rig, route, scope, TYPE } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

const client = () => rig.client({ variant: 'sotw' });

describe('state of the world', () => {
  it('SOTW-1 the first request of a type is answered at once, whatever version it says', async () => {
    rig.publish(cluster('a'));
    const first = client();
    first.send({ type: TYPE.cluster, version: 'whatever' });
    await first.waitFor((c) => c.names(TYPE.cluster).length === 1);
  });

  it('SOTW-2 BUG-21 the version changes with the set and is the same on another stream', async () => {
    rig.publish(cluster('a'));
    const [one, two] = [client().subscribe(TYPE.cluster), client().subscribe(TYPE.cluster)];
    await one.waitFor((c) => c.responses.length === 1);
    await two.waitFor((c) => c.responses.length === 1);
    expect(one.responses[0]?.version).toBe(two.responses[0]?.version);
    rig.update(cluster('b'));
    await one.waitFor((c) => c.responses.length === 2);
    expect(one.responses[1]?.version).not.toBe(one.responses[0]?.version);
  });

  it('SOTW-3 version and nonce of a response without an error are its ACK; a nonce from before is none', async () => {
    rig.publish(cluster('a'));
    const quietOne = rig.client({ variant: 'sotw', judge: () => SILENCE });
    quietOne.send({ type: TYPE.cluster });
    await quietOne.waitFor((c) => c.responses.length === 1);
    const { version, nonce } = quietOne.responses[0] ?? { version: '', nonce: '' };
    quietOne.send({ type: TYPE.cluster, version, nonce: `${nonce}0` });
    await quiet();
    expect(rig.state(TYPE.cluster)).toMatchObject({ pending: ['a'], acked: new Map() });
    quietOne.send({ type: TYPE.cluster, version, nonce });
    await quietOne.waitFor(() => rig.state(TYPE.cluster)?.pending.length === 0);
    expect(rig.state(TYPE.cluster)?.acked).toEqual(new Map([['a', cluster('a').version]]));
    expect(quietOne.responses).toHaveLength(1);
  });

  it.each([
    ['clusters', TYPE.cluster, () => [cluster('a'), cluster('b')], () => [cluster('a')]],
    ['listeners', TYPE.listener, () => [listener('a'), listener('b')], () => [listener('a')]],
    ['scopes', TYPE.scopedRoute, () => [scope('a', 'r'), scope('b', 'r')], () => [scope('a', 'r')]],
  ] as const)('SOTW-4 %s: every response carries the whole set, and absence deletes', async (_, type, both, one) => {
    rig.publish(...both());
    const wildcard = client().subscribe(type);
    await wildcard.waitFor((c) => c.names(type).length === 2);
    rig.publish(...one());
    await wildcard.waitFor((c) => c.responses.length === 2);
    expect(wildcard.names(type)).toEqual(['a']);
    rig.publish();
    await wildcard.waitFor((c) => c.responses.length === 3);
    expect(wildcard.responses[2]?.resources).toEqual([]);
  });

  it('SOTW-5 endpoints and routes: only what changed is sent, and a deletion is not', async () => {
    rig.publish(endpoints('a'), endpoints('b'), route('r'));
    const named = client().subscribe(TYPE.endpoint, ['a', 'b']).subscribe(TYPE.route, ['r']);
    await named.waitFor((c) => c.names(TYPE.endpoint).length === 2 && c.names(TYPE.route).length === 1);
    rig.update(endpoints('b', 81));
    await named.waitFor((c) => c.responses.length === 3);
    expect(named.responses[2]?.resources).toHaveLength(1);
    rig.publish();
    await quiet();
    expect(named.responses).toHaveLength(3);
  });

  it('SOTW-6 SOTW-7 BUG-6 a new name is answered, a dropped one forgotten, and answered again when it is back', async () => {
    rig.publish(endpoints('a'), endpoints('b'));
    const named = client().subscribe(TYPE.endpoint, ['a']);
    await named.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    named.subscribe(TYPE.endpoint, ['b']);
    await named.waitFor((c) => c.names(TYPE.endpoint).length === 2);
    named.unsubscribe(TYPE.endpoint, ['b']);
    await named.waitFor(() => rig.state(TYPE.endpoint)?.subscribed.length === 1);
    rig.update(endpoints('b', 81));
    await quiet();
    expect(named.responses).toHaveLength(2);
    rig.update(endpoints('b'));
    named.subscribe(TYPE.endpoint, ['b']);
    await named.waitFor((c) => c.names(TYPE.endpoint).length === 2);
  });

  it('SOTW-8 BUG-22 a stale nonce acknowledges nothing, and its names count all the same', async () => {
    rig.publish(endpoints('a'), endpoints('b'));
    const named = rig.client({ variant: 'sotw', judge: () => SILENCE });
    named.send({ type: TYPE.endpoint, names: ['a'] });
    await named.waitFor((c) => c.responses.length === 1);
    named.send({ type: TYPE.endpoint, names: ['a', 'b'], nonce: 'stale' });
    await quiet();
    expect(named.responses).toHaveLength(1);
    expect(rig.state(TYPE.endpoint)).toMatchObject({ subscribed: ['a', 'b'], pending: ['a'] });
    named.send({ type: TYPE.endpoint, names: ['a', 'b'], nonce: named.responses[0]?.nonce ?? '' });
    await named.waitFor((c) => c.responses.length === 2);
  });

  it.each([
    ['clusters', TYPE.cluster, []],
    ['listeners', TYPE.listener, []],
    ['endpoints', TYPE.endpoint, ['a']],
    ['routes', TYPE.route, ['a']],
  ] as const)('SOTW-9 %s are sent on a new stream, also when it names their version', async (_, type, names) => {
    rig.publish(cluster('a'), listener('a'), endpoints('a'), route('a'));
    const before = client().subscribe(type, names);
    await before.waitFor((c) => c.names(type).length === 1);
    before.disconnect();
    const { version } = before.responses[0] ?? { version: '' };
    const again = client();
    again.send({ type, names, version });
    await again.waitFor((c) => c.names(type).length === 1);
    expect(again.responses[0]?.version).toBe(version);
  });

  it('SOTW-10 of several requests only the newest is answered', async () => {
    rig.publish(endpoints('a'), endpoints('b'), endpoints('c'), endpoints('d'));
    const named = rig.client({ variant: 'sotw', judge: () => SILENCE });
    named.send({ type: TYPE.endpoint, names: ['a'] });
    await named.waitFor((c) => c.responses.length === 1);
    const nonce = named.responses[0]?.nonce ?? '';
    for (const names of [
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['a', 'c', 'd'],
    ])
      named.send({ type: TYPE.endpoint, names });
    named.send({ type: TYPE.endpoint, names: ['a', 'c', 'd'], nonce });
    await named.waitFor((c) => c.responses.length === 2);
    named.judgeWith(() => undefined);
    named.send({ type: TYPE.endpoint, names: ['a', 'c', 'd'], nonce: named.responses[1]?.nonce ?? '' });
    await quiet();
    expect(named.responses.map((r) => r.resources.length)).toEqual([1, 2]);
    expect(rig.state(TYPE.endpoint)).toMatchObject({ subscribed: ['a', 'c', 'd'], pending: [] });
  });

  it('SOTW-12 one change may come in several responses, each a part of the names', async () => {
    rig.publish(route('a'), route('b'), route('c'));
    const named = client().subscribe(TYPE.route, ['a', 'b', 'c']);
    await named.waitFor((c) => c.names(TYPE.route).length === 3);
    const change = rig.update(route('a', [], 1), route('b', [], 1), route('c', [], 1));
    await named.waitFor(() => rig.server.progress(change).acked === 1);
    expect(named.responses.map((r) => r.resources.length)).toEqual([3, 1, 1, 1]);
    for (const name of ['a', 'b', 'c']) {
      expect(Buffer.from(named.bytes(TYPE.route, name) ?? [])).toEqual(Buffer.from(route(name, [], 1).bytes));
    }
  });

  it('SOTW-11 names that do not exist are met with silence, and sent once they do', async () => {
    rig.publish(endpoints('a'));
    const named = client().subscribe(TYPE.endpoint, ['a', 'late']);
    await named.waitFor((c) => c.responses.length === 1);
    expect(named.names(TYPE.endpoint)).toEqual(['a']);
    rig.update(endpoints('late'));
    await named.waitFor((c) => c.names(TYPE.endpoint).length === 2);
  });

  it('GEN-9 ENV-1 a refused set is taken apart until the culprit stands alone; the rest is served', async () => {
    rig.publish(cluster('a'), cluster('b'), cluster('c'));
    const bad = cluster('b').bytes;
    const wildcard = rig.client({
      variant: 'sotw',
      judge: (r) => (r.resources.some((x) => Buffer.compare(x.bytes, bad) === 0) ? 'no' : undefined),
    });
    wildcard.subscribe(TYPE.cluster);
    await wildcard.waitFor((c) => c.names(TYPE.cluster).join() === 'a,c');
    await wildcard.waitFor(() => rig.nacks.some((nack) => nack.isolated));
    expect(rig.nacks.find((nack) => nack.isolated)?.names).toEqual(['b']);
    const before = wildcard.responses.length;
    rig.update(cluster('c', 1));
    await wildcard.waitFor((c) => c.responses.length === before + 1);
    expect(wildcard.names(TYPE.cluster)).toEqual(['a', 'c']);
  });

  it('ORD-2 a cluster stays in the set until no route that requires it is held', async () => {
    rig.publish(cluster('old'), route('r', ['old']));
    const both = client().subscribe(TYPE.cluster).subscribe(TYPE.route, ['r']);
    await both.waitFor((c) => c.names(TYPE.route).length === 1);
    rig.publish(cluster('new'), route('r', ['new']));
    await both.waitFor((c) => c.names(TYPE.cluster).join() === 'new');
    const sets = both.responsesOf(TYPE.cluster).map((r) => r.resources.length);
    expect(sets).toEqual([1, 2, 1]);
  });
});

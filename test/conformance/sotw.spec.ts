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

  it('SOTW-2 the version changes with the set and is the same on another stream', async () => {
    rig.publish(cluster('a'));
    const [one, two] = [client().subscribe(TYPE.cluster), client().subscribe(TYPE.cluster)];
    await one.waitFor((c) => c.responses.length === 1);
    await two.waitFor((c) => c.responses.length === 1);
    expect(one.responses[0]?.version).toBe(two.responses[0]?.version);
    rig.update(cluster('b'));
    await one.waitFor((c) => c.responses.length === 2);
    expect(one.responses[1]?.version).not.toBe(one.responses[0]?.version);
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

  it('SOTW-6 SOTW-7 a new name is answered, a dropped one forgotten, and answered again when it is back', async () => {
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

  it('SOTW-8 a stale nonce acknowledges nothing, and its names count all the same', async () => {
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

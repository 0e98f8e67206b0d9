import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReceivedResponse } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, listener, quiet, Rig, route, TYPE } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

const names = (r: ReceivedResponse): string[] => r.resources.map((resource) => resource.name);
const refuses =
  (bad: string, words = 'no') =>
  (r: ReceivedResponse): string | undefined =>
    names(r).includes(bad) ? words : undefined;

describe('refused responses', () => {
  it('REL-23 BUG-17 the bad resource stays as it was, all others flow, and the listener of deliveries is told', async () => {
    rig.publish(listener('a'), listener('b'));
    const client = rig.client().subscribe(TYPE.listener);
    await client.waitFor((c) => c.names(TYPE.listener).length === 2);
    client.judgeWith(refuses('a', 'cannot bind'));
    rig.update(listener('a', [], 1), listener('b', [], 1));
    await client.waitFor((c) => c.versions(TYPE.listener).get('b') === listener('b', [], 1).version);
    await client.waitFor(() => rig.nacks.some((nack) => nack.isolated));
    expect(client.versions(TYPE.listener).get('a')).toBe(listener('a').version);
    expect(rig.nacks.find((n) => n.isolated)).toMatchObject({
      names: ['a'],
      message: 'cannot bind',
      version: listener('a', [], 1).version,
    });
    expect(rig.state(TYPE.listener)?.refused).toEqual([
      { name: 'a', version: listener('a', [], 1).version, message: 'cannot bind' },
    ]);
    expect(rig.state(TYPE.listener)?.acked.get('a')).toBe(listener('a').version);
  });

  it('REL-24 GEN-10 BUG-16 a client that refuses everything is sent each resource once more, and then nothing', async () => {
    rig.publish(...['a', 'b', 'c', 'd'].map((name) => endpoints(name)));
    const client = rig.client({ judge: () => 'no' }).subscribe(TYPE.endpoint, ['a', 'b', 'c', 'd']);
    await client.waitFor(() => rig.nacks.filter((nack) => nack.isolated).length === 4);
    await quiet(200);
    const alone = client.responses.filter((r) => r.resources.length === 1);
    expect(alone.flatMap(names).sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(client.responses.length).toBeLessThanOrEqual(7);
    rig.update(cluster('x'));
    await quiet();
    expect(client.responses.length).toBeLessThanOrEqual(7);
  });

  it('GEN-10 content that was refused stays refused when it comes back, and its predecessor is not', async () => {
    rig.publish(listener('a'));
    const client = rig.client().subscribe(TYPE.listener);
    await client.waitFor((c) => c.names(TYPE.listener).length === 1);
    const bad = listener('a', [], 1);
    client.judgeWith((r) => (r.resources[0]?.version === bad.version ? 'no' : undefined));
    rig.update(bad);
    await client.waitFor(() => rig.nacks.length === 1);
    rig.update(listener('a'));
    rig.update(bad);
    rig.update(listener('a', [], 2));
    rig.update(bad);
    await client.waitFor((c) => c.versions(TYPE.listener).get('a') === listener('a', [], 2).version);
    await quiet();
    expect(rig.nacks).toHaveLength(1);
  });

  it('GEN-10 what a client refuses of what it should have now is known without asking it again', async () => {
    const refusals = () => [...rig.server.refusals()].map(([, nack]) => [nack.names, nack.message, nack.change]);
    const [worse, bad] = [listener('a', [], 1), listener('a', [], 2)];
    rig.publish(listener('a'));
    const client = rig.client().subscribe(TYPE.listener);
    await client.waitFor((c) => c.names(TYPE.listener).length === 1);
    expect(refusals()).toEqual([]);
    client.judgeWith((r) => (r.resources[0]?.version === bad.version ? 'bad' : 'worse'));
    rig.update(worse);
    await client.waitFor(() => rig.nacks.length === 1);
    const newest = rig.update(bad);
    await client.waitFor(() => rig.nacks.length === 2);
    expect(refusals()).toEqual([[['a'], 'bad', newest]]);
    rig.update(listener('a'));
    expect(refusals()).toEqual([]);
    const again = rig.update(bad);
    expect(refusals()).toEqual([[['a'], 'bad', again]]);
    const other = rig.update(worse);
    expect(refusals()).toEqual([[['a'], 'refused before', other]]);
    await quiet();
    expect(rig.nacks).toHaveLength(2);
  });

  it('ENV-1 the culprit named by the client goes alone, the others together', async () => {
    rig.publish(cluster('good-1'), cluster('bad'), cluster('good-2'));
    const client = rig.client({ judge: refuses('bad', 'Error adding/updating cluster(s) bad: malformed IP address') });
    client.subscribe(TYPE.cluster);
    await client.waitFor(() => rig.nacks.length === 2);
    expect(client.responses.map(names)).toEqual([['good-1', 'bad', 'good-2'], ['good-1', 'good-2'], ['bad']]);
  });

  it('ENV-1 resources of a refused response that are deleted before they were sent again are removed explicitly', async () => {
    rig.publish(cluster('g1'), cluster('bad'), cluster('g2'));
    const client = rig.client({
      judge: (r) => {
        if (r.resources.length < 3) return undefined;
        rig.publish();
        return 'Error adding/updating cluster(s) bad: no';
      },
    });
    client.subscribe(TYPE.cluster);
    const removed = (): string[] => client.responses.flatMap((r) => r.removed);
    await client.waitFor(() => removed().length === 3);
    expect(removed().sort()).toEqual(['bad', 'g1', 'g2']);
  });

  it('ENV-2 BUG-18 updates of routes travel alone, first answers together', async () => {
    rig.publish(route('a'), route('b'), route('c'));
    const client = rig.client().subscribe(TYPE.route, ['a', 'b', 'c']);
    await client.waitFor((c) => c.names(TYPE.route).length === 3);
    expect(client.responses).toHaveLength(1);
    rig.update(route('a', [], 1), route('b', [], 1), route('c', [], 1));
    await client.waitFor((c) => c.responses.length === 4);
    expect(client.responses.slice(1).map((r) => r.resources.length)).toEqual([1, 1, 1]);
  });

  it('ENV-9 what the pinned content requires stays until a newer content is accepted', async () => {
    rig.publish(cluster('old'), route('r', ['old']));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.route, ['r']);
    await client.waitFor((c) => c.names(TYPE.route).length === 1);
    client.judgeWith((r) => (r.type === TYPE.route ? 'no' : undefined));
    rig.publish(cluster('new'), route('r', ['new']));
    await client.waitFor(() => rig.nacks.length === 1);
    await quiet();
    expect(client.names(TYPE.cluster)).toEqual(['new', 'old']);
    client.judgeWith(() => undefined);
    rig.publish(cluster('new'), route('r', ['new'], 1));
    await client.waitFor((c) => c.names(TYPE.cluster).join() === 'new');
  });

  it('ORD-5 endpoints that were refused are followed up by the ones accepted before', async () => {
    rig.publish(cluster('a'), endpoints('a'));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a']);
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    client.judgeWith((r) => (r.resources[0]?.version === endpoints('a', 81).version ? 'no' : undefined));
    rig.update(endpoints('a', 81));
    await client.waitFor(() => rig.nacks.length === 1);
    rig.update(cluster('a', 1));
    await client.waitFor((c) => c.responsesOf(TYPE.endpoint).length === 3);
    expect(client.responsesOf(TYPE.endpoint)[2]?.resources[0]?.version).toBe(endpoints('a').version);
  });

  it('SEC-12 the words of a client are cut to 4 KB', async () => {
    rig.publish(listener('a'));
    const client = rig.client({ judge: () => '<script>\r\n'.repeat(100_000) }).subscribe(TYPE.listener);
    await client.waitFor(() => rig.nacks.length === 1);
    expect(rig.nacks[0]?.message).toHaveLength(4096);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentHash } from '#libs/kernel';
import type { HoldBack, Resource } from '#libs/xds';
import type { FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, listener, quiet, Rig, route, TYPE } from './rig.js';

const NODE = 'alice/1';

/** Of what the client holds: in state-of-the-world responses say one for all. */
const versionOf = (client: FakeXdsClient, type: string, name: string): string | undefined => {
  const bytes = client.bytes(type, name);
  return bytes && contentHash(bytes);
};

describe.each(['delta', 'sotw'] as const)('REL-26 contents that are held back, %s', (variant) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start();
  });
  afterEach(() => rig.stop());

  const held = ({ key, version, type, name }: Resource, instead?: Resource): HoldBack['contents'][number] => ({
    ...{ key, version, type, name, message: 'it died', instead },
  });
  const client = (id = NODE) => rig.client({ variant, node: { id } });
  const [good, bad, mended] = [listener('a', [], 1), listener('a', [], 2), listener('a', [], 3)];

  it('from a node: it gets the content before, others the newest, and both the next one at once', async () => {
    rig.publish(listener('b'), bad);
    rig.server.heldBack.hold({ node: NODE, contents: [held(bad, good)] });
    const [one, other] = [client().subscribe(TYPE.listener), client('alice/2').subscribe(TYPE.listener)];
    await one.waitFor((c) => c.versions(TYPE.listener).size === 2);
    await other.waitFor((c) => c.versions(TYPE.listener).size === 2);
    expect(versionOf(one, TYPE.listener, 'a')).toBe(good.version);
    expect(versionOf(other, TYPE.listener, 'a')).toBe(bad.version);
    const states = rig.server.streams().map(({ types: [type] }) => type?.refused);
    expect(states).toContainEqual([expect.objectContaining({ name: 'a', version: bad.version, message: 'it died' })]);
    expect(states).toContainEqual([]);
    rig.update(mended);
    for (const each of [one, other]) await each.waitFor((c) => versionOf(c, TYPE.listener, 'a') === mended.version);
    rig.update(bad);
    await one.waitFor((c) => versionOf(c, TYPE.listener, 'a') === bad.version); // it was over with the next content
  });

  it('on a live stream: what it holds stays, without a response', async () => {
    rig.publish(good, listener('b'));
    const one = client().subscribe(TYPE.listener);
    await one.waitFor((c) => c.versions(TYPE.listener).size === 2);
    rig.server.heldBack.hold({ node: NODE, contents: [held(bad, good)] });
    const before = one.responses.length;
    rig.update(bad);
    await quiet();
    expect([one.responses.length, versionOf(one, TYPE.listener, 'a')]).toEqual([before, good.version]);
    rig.server.heldBack.release(() => true);
    await one.waitFor((c) => versionOf(c, TYPE.listener, 'a') === bad.version);
  });

  it('of which nothing earlier is known: nothing is said of the name, and it is not removed', async () => {
    rig.publish(bad, listener('b'));
    rig.server.heldBack.hold({ node: NODE, contents: [held(bad)] });
    const one = client().subscribe(TYPE.listener);
    await one.waitFor((c) => c.names(TYPE.listener).includes('b'));
    expect(one.names(TYPE.listener)).toEqual(['b']);
    expect(one.responses.flatMap(({ removed }) => removed)).toEqual([]);
    rig.update(mended);
    await one.waitFor((c) => c.names(TYPE.listener).length === 2);
  });

  it('from everybody: who runs it keeps it, across a reconnect, too', async () => {
    rig.publish(bad, listener('b'));
    const old = client().subscribe(TYPE.listener);
    await old.waitFor((c) => c.names(TYPE.listener).length === 2);
    rig.server.heldBack.hold({ contents: [held(bad, good)] });
    const fresh = client('alice/2').subscribe(TYPE.listener);
    await fresh.waitFor((c) => c.names(TYPE.listener).length === 2);
    expect(versionOf(fresh, TYPE.listener, 'a')).toBe(good.version);
    await quiet();
    expect(versionOf(old, TYPE.listener, 'a')).toBe(bad.version);
    if (variant === 'sotw') return; // it cannot say what it holds: it is sent a whole set, as a new one is
    old.reconnect();
    await old.waitFor(() => rig.opened.length === 3);
    await quiet();
    expect(versionOf(old, TYPE.listener, 'a')).toBe(bad.version);
  });

  it('with what the content before requires, though the view does not have it any more; it goes with it', async () => {
    const before = route('r', ['gone']);
    const now = route('r', ['new'], 1);
    rig.publish(cluster('new'), endpoints('new'), now);
    const extra = [cluster('gone'), endpoints('gone')];
    rig.server.heldBack.hold({ node: NODE, contents: [held(now, before)], extra });
    const one = client().subscribe(TYPE.cluster);
    await one.waitFor((c) => c.names(TYPE.cluster).length === 2);
    one.subscribe(TYPE.endpoint, ['gone', 'new']);
    await one.waitFor((c) => c.names(TYPE.endpoint).length === 2);
    one.subscribe(TYPE.route, ['r']);
    await one.waitFor((c) => versionOf(c, TYPE.route, 'r') === before.version);
    rig.update(route('r', ['new'], 2));
    await one.waitFor((c) => versionOf(c, TYPE.route, 'r') === route('r', ['new'], 2).version);
    await one.waitFor((c) => !c.names(TYPE.cluster).includes('gone'));
    expect(one.names(TYPE.cluster)).toEqual(['new']);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FakeXdsClient, ReceivedResponse } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, quiet, type Resource, Rig, TYPE } from './rig.js';

const CHECK_MS = 20;
const TTL_MS = 90;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start({ limits: { checkMs: CHECK_MS } });
});
afterEach(() => rig.stop());

const FEATURES = ['xds.config.supports-resource-ttl', 'xds.config.supports-resource-in-sotw'];
const mortal = (resource: Resource, ttlMs = TTL_MS): Resource => ({ ...resource, ttlMs });
const client = (variant: 'delta' | 'sotw' = 'delta', clientFeatures = FEATURES): FakeXdsClient =>
  rig.client({ variant, node: { id: 'alice/1', clientFeatures } });

/** `a 90` with content, `a 90!` without, `a` without a time. */
const words = ({ resources }: ReceivedResponse): string =>
  resources.map(({ name, ttlMs, hollow }) => [name, ttlMs].filter(Boolean).join(' ') + (hollow ? '!' : '')).join(', ');
const said = (one: FakeXdsClient): string[] => one.responses.map(words);

describe('times to live', () => {
  it('TTL-1 TTL-2 a resource comes with its time, and a sign of life without content follows within a third of it', async () => {
    rig.publish(mortal(endpoints('a')), endpoints('b'));
    const one = client().subscribe(TYPE.endpoint, ['a', 'b']);
    await one.waitFor((c) => c.responses.length >= 3);
    expect(said(one).slice(0, 3)).toEqual(['a 90, b', 'a 90!', 'a 90!']);
    expect(one.responses[1]?.resources[0]?.version).toBe(endpoints('a').version);
  });

  it.each([
    ['delta', []],
    ['sotw', []],
    ['sotw', FEATURES.slice(0, 1)],
  ] as const)('TTL-1 who does not announce that it knows them is sent none (%s, %j)', async (variant, features) => {
    rig.publish(mortal(endpoints('a')));
    const one = client(variant, [...features]).subscribe(TYPE.endpoint, ['a']);
    await one.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    await quiet(3 * TTL_MS);
    expect(one.responses).toHaveLength(1);
    expect(one.responses[0]?.resources[0]?.ttlMs).toBeUndefined();
  });

  it('TTL-2 GEN-8 a sign of life is no update: nothing is behind, nothing is counted as changed', async () => {
    const change = rig.publish(mortal(endpoints('a')));
    const one = client().subscribe(TYPE.endpoint, ['a']);
    await one.waitFor((c) => c.responses.length === 1 && rig.server.progress(change).acked === 1);
    const encodes = rig.server.counters().encodes;
    for (let i = 0; i < 20; i++) {
      await quiet(10);
      expect(rig.server.progress(change).acked).toBe(1);
    }
    expect(one.responses.length).toBeGreaterThan(2);
    expect([rig.server.counters().encodes, rig.acks.length]).toEqual([encodes, 1]);
  });

  it('TTL-2 an update goes at once, and signs of life are then of its version', async () => {
    rig.publish(mortal(endpoints('a')));
    const one = client().subscribe(TYPE.endpoint, ['a']);
    await one.waitFor((c) => c.responses.length === 2);
    rig.publish(mortal(endpoints('a', 81)));
    await one.waitFor((c) => c.versions(TYPE.endpoint).get('a') === endpoints('a', 81).version);
    const before = one.responses.length;
    await one.waitFor((c) => c.responses.length > before);
    expect(one.responses.at(-1)?.resources.map(({ hollow, version }) => [hollow, version])).toEqual([
      [true, endpoints('a', 81).version],
    ]);
  });

  it('TTL-2 a time that ends, or is another one, is said with the content, which did not change', async () => {
    rig.publish(mortal(endpoints('a')));
    const one = client().subscribe(TYPE.endpoint, ['a']);
    await one.waitFor((c) => c.responses.length === 1);
    rig.publish(mortal(endpoints('a'), 60_000));
    await one.waitFor((c) => said(c).includes('a 60000'));
    rig.publish(endpoints('a'));
    await one.waitFor((c) => said(c).at(-1) === 'a');
    await quiet(2 * TTL_MS);
    expect(said(one).at(-1)).toBe('a');
  });

  it('TTL-2 who comes back with what it held hears of it at once, without its content', async () => {
    rig.publish(mortal(endpoints('a'), 60_000));
    const one = client().subscribe(TYPE.endpoint, ['a']);
    await one.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    one.responses.length = 0;
    one.reconnect([TYPE.endpoint]);
    await one.waitFor((c) => c.responses.length > 0 && said(c).at(-1) === 'a 60000!');
  });

  it('TTL-2 GEN-10 who refuses a sign of life is sent the contents in its place', async () => {
    rig.publish(mortal(endpoints('a')));
    const one = rig.client({
      node: { id: 'alice/1', clientFeatures: FEATURES },
      judge: ({ resources }) => (resources.some(({ hollow }) => hollow) ? 'no content' : undefined),
    });
    one.subscribe(TYPE.endpoint, ['a']);
    await one.waitFor((c) => c.responses.length === 5);
    expect(said(one)).toEqual(['a 90', 'a 90!', 'a 90', 'a 90', 'a 90']);
    expect(rig.nacks).toHaveLength(1);
  });

  it('TTL-1 TTL-3 state-of-the-world: wrapped where there is a time; signs of life have contents and the last version', async () => {
    rig.publish(mortal(endpoints('a')), endpoints('b'));
    const one = client('sotw').subscribe(TYPE.endpoint, ['a', 'b']);
    await one.waitFor((c) => c.responses.length >= 3);
    // What has no time has no wrapping, and so no name outside of it.
    expect(said(one).slice(0, 3)).toEqual(['a 90, ', 'a 90', 'a 90']);
    const versions = one.responses.map(({ version }) => version);
    expect(new Set(versions).size).toBe(1);
    rig.publish(mortal(endpoints('a', 81)), endpoints('b'));
    await one.waitFor((c) => c.responses.at(-1)?.version !== versions[0]);
    const [changed, count] = [one.responses.at(-1)?.version, one.responses.length];
    await one.waitFor((c) => c.responses.length > count);
    expect([said(one).at(-1), one.responses.at(-1)?.version]).toEqual(['a 90', changed]);
  });

  it('TTL-3 state-of-the-world: a sign of life for clusters is the whole set with its contents, at the same version', async () => {
    rig.publish(mortal(cluster('a')), cluster('b'));
    const one = client('sotw').subscribe(TYPE.cluster);
    await one.waitFor((c) => c.responses.length >= 3);
    expect(one.names(TYPE.cluster)).toEqual(['a', 'b']);
    expect(one.responses.slice(0, 3).map((r) => [r.resources.length, r.resources.some((x) => x.hollow)])).toEqual(
      Array.from({ length: 3 }, () => [2, false]),
    );
    expect(new Set(one.responses.slice(0, 3).map(({ version }) => version)).size).toBe(1);
  });

  it('TTL-2 signs of life go on while something else of the type waits for its cluster', async () => {
    const waiting = { ...cluster('late'), requires: [{ type: TYPE.cluster, name: 'a' }] };
    rig.publish(mortal(cluster('a')), waiting);
    const one = client().subscribe(TYPE.cluster);
    await one.waitFor((c) => c.responses.length >= 3);
    expect(said(one)).toContain('a 90!');
  });

  it('one that is too short for signs of life in time is refused, and nothing with it', () => {
    const publish = () => rig.publish(cluster('good'), mortal(cluster('a'), CHECK_MS));
    expect(publish).toThrow('Cluster/a has ttlMs 20: it must be 0 or at least 60');
    expect(rig.server.counters().encodes).toBe(0);
  });
});

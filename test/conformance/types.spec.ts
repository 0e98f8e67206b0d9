import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cluster, extension, quiet, Rig, runtimeLayer, scope, secretBytes, TYPE } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start({
    secrets: {
      resolve: (_p, _n, name) => Promise.resolve({ kind: 'send', version: 'v1', bytes: secretBytes(name) }),
      recheckAfterMs: () => undefined,
    },
  });
});
afterEach(() => rig.stop());

const VARIANTS = ['delta', 'sotw'] as const;

describe('runtime layers over ADS', () => {
  it.each(VARIANTS)('are sent by name, and again when they change (%s)', async (variant) => {
    rig.publish(runtimeLayer('flags'), runtimeLayer('others'), cluster('a'));
    const client = rig.client({ variant }).subscribe(TYPE.runtime, ['flags']).subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.runtime).length === 1 && c.names(TYPE.cluster).length === 1);
    rig.update(runtimeLayer('flags', 1), runtimeLayer('others', 1));
    await client.waitFor((c) => c.responsesOf(TYPE.runtime).length === 2);
    expect(client.names(TYPE.runtime)).toEqual(['flags']);
    expect(Buffer.from(client.bytes(TYPE.runtime, 'flags') ?? [])).toEqual(runtimeLayer('flags', 1).bytes);
  });

  it('DELTA-4 SOTW-5 are removed in delta; in state-of-the-world there is no deletion', async () => {
    rig.publish(runtimeLayer('flags'));
    const clients = VARIANTS.map((variant) => rig.client({ variant }).subscribe(TYPE.runtime, ['flags']));
    for (const client of clients) await client.waitFor((c) => c.names(TYPE.runtime).length === 1);
    rig.publish();
    await clients[0]?.waitFor((c) => c.names(TYPE.runtime).length === 0);
    await quiet();
    expect(clients.map((client) => client.responses.length)).toEqual([2, 1]);
  });

  it.each(VARIANTS)('WILD-6 an empty first request asks for none (%s)', async (variant) => {
    rig.publish(runtimeLayer('flags'), extension('filter'));
    const client = rig.client({ variant }).subscribe(TYPE.runtime).subscribe(TYPE.extension);
    await client.waitFor(() => rig.server.streams()[0]?.types.length === 2);
    await quiet();
    expect(client.responses).toEqual([]);
  });
});

describe('extensions over ADS', () => {
  it.each(VARIANTS)('are sent by name, and again when they change (%s)', async (variant) => {
    rig.publish(extension('filter'), extension('others'));
    const client = rig.client({ variant }).subscribe(TYPE.extension, ['filter']);
    await client.waitFor((c) => c.names(TYPE.extension).join() === 'filter');
    rig.update(extension('filter', 1), extension('others', 1));
    await client.waitFor((c) => c.responses.length === 2);
    expect(Buffer.from(client.bytes(TYPE.extension, 'filter') ?? [])).toEqual(extension('filter', 1).bytes);
  });

  it('DELTA-13 DELTA-5 BUG-12 are never removed, missing ones are met with silence, and sent once they exist', async () => {
    rig.publish(extension('filter'));
    const client = rig.client().subscribe(TYPE.extension, ['filter', 'late']);
    await client.waitFor((c) => c.names(TYPE.extension).length === 1);
    rig.publish(extension('late'));
    await client.waitFor((c) => c.names(TYPE.extension).length === 2);
    client.reconnect([TYPE.extension]);
    await quiet();
    expect(client.names(TYPE.extension)).toEqual(['filter', 'late']);
    expect(client.responses).toHaveLength(2);
  });
});

describe('single-type services', () => {
  it.each(VARIANTS)('srds: an empty first request asks for every scope (%s)', async (variant) => {
    rig.publish(scope('s1', 'r'), scope('s2', 'r'));
    const client = rig.client({ service: 'srds', variant }).subscribe(TYPE.scopedRoute);
    await client.waitFor((c) => c.names(TYPE.scopedRoute).length === 2);
    rig.publish(scope('s1', 'r'));
    await client.waitFor((c) => c.names(TYPE.scopedRoute).join() === 's1');
  });

  it.each(VARIANTS)('rtds and ecds: what is named, and nothing else (%s)', async (variant) => {
    rig.publish(runtimeLayer('flags'), runtimeLayer('others'), extension('filter'), extension('others'));
    const layers = rig.client({ service: 'rtds', variant }).subscribe(TYPE.runtime, ['flags']);
    const filters = rig.client({ service: 'ecds', variant }).subscribe(TYPE.extension, ['filter']);
    await layers.waitFor((c) => c.names(TYPE.runtime).join() === 'flags');
    await filters.waitFor((c) => c.names(TYPE.extension).join() === 'filter');
  });

  it.each(VARIANTS)('sds: a secret is sent by name, and only to who asked for it (%s)', async (variant) => {
    const client = rig.client({ service: 'sds', variant }).subscribe(TYPE.secret, ['identity']);
    await client.waitFor((c) => c.names(TYPE.secret).join() === 'identity');
    await quiet();
    expect(client.responses).toHaveLength(1);
  });
});

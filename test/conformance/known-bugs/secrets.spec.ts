import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SecretAnswer } from '#libs/xds';
import type { FakeXdsClient } from '../../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, listener, quiet, Rig, secretBytes, TYPE } from '../rig.js';

let version = 'v1';
const granted = new Set(['identity', 'trust']);
const resolve = async (name: string, held: string | undefined): Promise<SecretAnswer> => {
  if (!granted.has(name)) return { kind: 'none' };
  return held === version ? { kind: 'keep' } : { kind: 'send', version, bytes: secretBytes(name) };
};

let rig: Rig;
beforeEach(async () => {
  version = 'v1';
  rig = await Rig.start({
    secrets: { resolve: (_principal, _node, name, held) => resolve(name, held), recheckAfterMs: () => undefined },
  });
});
afterEach(() => rig.stop());

const has = (client: FakeXdsClient, name: string): string | undefined => client.versions(TYPE.secret).get(name);

describe('secrets of other control planes', () => {
  it('BUG-5 were held until all names could be answered; here a missing one holds up nothing, nor a rotation', async () => {
    const client = rig.client().subscribe(TYPE.secret, ['identity', 'never']);
    await client.waitFor((c) => has(c, 'identity') === 'v1');
    client.subscribe(TYPE.secret, ['trust']);
    await client.waitFor((c) => has(c, 'trust') === 'v1');
    version = 'v2';
    rig.server.secretsChanged();
    await client.waitFor((c) => has(c, 'identity') === 'v2' && has(c, 'trust') === 'v2');
    expect(client.names(TYPE.secret)).toEqual(['identity', 'trust']);
  });

  it('BUG-29 missed a rotation on some proxies; here none does, also when it comes amid subscriptions', async () => {
    const clients = Array.from({ length: 20 }, (_, i) => rig.client({ node: { id: `alice/${i}` }, token: `t${i}` }));
    for (const [i, client] of clients.entries()) {
      client.subscribe(TYPE.secret, [i % 2 === 0 ? 'identity' : 'trust']);
      version = `v${i}`;
      rig.server.secretsChanged();
      client.subscribe(TYPE.secret, [i % 2 === 0 ? 'trust' : 'identity']);
    }
    version = 'last';
    rig.server.secretsChanged();
    for (const client of clients) {
      await client.waitFor((c) => has(c, 'identity') === 'last' && has(c, 'trust') === 'last');
    }
  });

  it('BUG-2 and endpoints were never asked for again by who came back at a bad moment; here they follow unasked', async () => {
    rig.publish(cluster('a'), endpoints('a'), listener('l'));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a']).subscribe(TYPE.listener);
    client.subscribe(TYPE.secret, ['identity']);
    await client.waitFor((c) => has(c, 'identity') === 'v1' && c.names(TYPE.endpoint).length === 1);
    client.disconnect();
    rig.publish(cluster('a', 1), endpoints('a'), listener('l'));
    version = 'v2';
    client.responses.length = 0;
    // The order in which it was seen to come back; of the changed cluster it knows nothing yet.
    client.reconnect([TYPE.endpoint, TYPE.listener, TYPE.secret, TYPE.cluster]);
    await client.waitFor(
      (c) => c.versions(TYPE.cluster).get('a') === cluster('a', 1).version && has(c, 'identity') === 'v2',
    );
    await quiet();
    const types = client.responses.map(({ type }) => type);
    expect(types.lastIndexOf(TYPE.endpoint)).toBeGreaterThan(types.indexOf(TYPE.cluster));
  });
});

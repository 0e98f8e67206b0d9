import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeXdsClient, SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, listener, quiet, Rig, route, TYPE } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
  rig.publish(cluster('a'), cluster('b'), endpoints('a'), route('r'), listener('l'));
});
afterEach(() => rig.stop());

const subscribed = (): 'wildcard' | readonly string[] | undefined => rig.state(TYPE.cluster)?.subscribed;

/** Sends the lists one after the other and says what the subscription is after each. */
async function afterEachOf(client: FakeXdsClient, requests: readonly object[]): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (const request of requests) {
    client.send({ type: TYPE.cluster, ...request });
    await quiet(100);
    seen.push(subscribed());
  }
  return seen;
}

describe('wildcard subscriptions', () => {
  it.each(['delta', 'sotw'] as const)('WILD-1 an empty first request means everything (%s)', async (variant) => {
    const client = rig.client({ variant }).subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
  });

  it('WILD-2 WILD-3 BUG-9 state of the world: [], [*, a], [a], []', async () => {
    const client = rig.client({ variant: 'sotw', judge: () => SILENCE });
    const seen = await afterEachOf(client, [{ names: [] }, { names: ['*', 'a'] }, { names: ['a'] }, { names: [] }]);
    expect(seen).toEqual(['wildcard', 'wildcard', ['a'], []]);
  });

  it('WILD-2 state of the world: [], [*], []', async () => {
    const client = rig.client({ variant: 'sotw', judge: () => SILENCE });
    const seen = await afterEachOf(client, [{ names: [] }, { names: ['*'] }, { names: [] }]);
    expect(seen).toEqual(['wildcard', 'wildcard', []]);
  });

  it('WILD-4 BUG-9 delta: [], +a, -*, -a', async () => {
    const client = rig.client();
    const requests = [{ names: [] }, { names: ['a'] }, { unsubscribe: ['*'] }, { unsubscribe: ['a'] }, { names: [] }];
    expect(await afterEachOf(client, requests)).toEqual(['wildcard', 'wildcard', ['a'], [], []]);
  });

  it('WILD-6 BUG-24 a gRPC client never means everything by an empty list', async () => {
    const node = { id: 'alice/1', userAgentName: 'gRPC C++' };
    const client = rig.client({ variant: 'sotw', node }).subscribe(TYPE.cluster);
    await client.waitFor(() => rig.server.streams().length === 1);
    await quiet();
    expect(client.responses).toEqual([]);
    expect(subscribed()).toEqual([]);
  });

  it.each([TYPE.endpoint, TYPE.route, TYPE.secret])(
    'WILD-6 an empty first request of %s means nothing',
    async (type) => {
      const client = rig.client().subscribe(type);
      await client.waitFor(() => (rig.server.streams()[0]?.types.length ?? 0) === 1);
      await quiet();
      expect(client.responses).toEqual([]);
    },
  );

  it('WILD-7 WILD-8 subscribing and unsubscribing * in one message subscribes to nothing', async () => {
    const client = rig.client();
    expect(await afterEachOf(client, [{ names: ['*'], unsubscribe: ['*'] }])).toEqual([[]]);
    expect(client.responses).toEqual([]);
  });
});

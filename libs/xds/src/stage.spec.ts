import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterLoadAssignmentSchema, encode, TYPE } from '#libs/envoy-api';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { FakeXdsClient } from '../../testing/src/xds-client/index.js';
import { Stage, XdsServer } from './index.js';

let server: XdsServer;
let stage: Stage;
let port = 0;
const clients: FakeXdsClient[] = [];

beforeEach(async () => {
  server = new XdsServer({
    gatekeeper: {
      authenticate: () => Promise.resolve({ id: 'anybody', expiresAt: Number.MAX_SAFE_INTEGER, claims: 0 }),
      admit: (_, node) => Promise.resolve(node.cluster || Stage.EVERYBODY),
    },
    limits: { readyWaitMs: 100 },
    ...{ clock: systemClock, log: silentLog, metrics: silentMetrics },
  });
  stage = new Stage(server);
  port = await server.start({ host: '127.0.0.1', port: 0, tls: 'plaintext' });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await server.stop({ graceMs: 0 });
});

function client(view = '', variant: 'delta' | 'sotw' = 'delta'): FakeXdsClient {
  const options = {
    address: `127.0.0.1:${port}`,
    token: 'any',
    node: { id: `n${clients.length}`, cluster: view },
    variant,
  };
  const one = new FakeXdsClient(options).connect().subscribe(TYPE.endpoint, ['a', 'b']);
  clients.push(one);
  return one;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const held = (one: FakeXdsClient): string[] =>
  one.names(TYPE.endpoint).map((name) => `${name}=${Buffer.from(one.bytes(TYPE.endpoint, name) ?? []).toString()}`);

describe('a stage', () => {
  it('GEN-16 serves nobody before the first commit', async () => {
    stage.set(TYPE.endpoint, 'a', bytes('1'));
    const early = client();
    await early.waitFor((c) => c.ended !== undefined);
    stage.commit();
    const late = client();
    await late.waitFor((c) => held(c).join() === 'a=1');
  });

  it('publishes what was set and removed as one change', async () => {
    stage.set(TYPE.endpoint, 'a', bytes('1')).set(TYPE.endpoint, 'b', bytes('1')).commit();
    const one = client();
    await one.waitFor((c) => held(c).length === 2);
    stage.set(TYPE.endpoint, 'a', bytes('2')).remove(TYPE.endpoint, 'b');
    stage.commit();
    await one.waitFor((c) => held(c).join() === 'a=2');
    expect(one.responses).toHaveLength(2);
  });

  it('gives the clients of a view their own, in place of what everybody gets', async () => {
    stage.set(TYPE.endpoint, 'a', bytes('all')).set(TYPE.endpoint, 'a', bytes('mine'), { view: 'special' }).commit();
    const [special, other] = [client('special'), client()];
    await special.waitFor((c) => held(c).join() === 'a=mine');
    await other.waitFor((c) => held(c).join() === 'a=all');
    stage.remove(TYPE.endpoint, 'a', { view: 'special' }).commit();
    await special.waitFor((c) => held(c).join() === 'a=all');
  });

  it('sends versions literally where they were chosen', async () => {
    stage.set(TYPE.endpoint, 'a', encode(ClusterLoadAssignmentSchema, { clusterName: 'a' }), { version: 'seven' });
    stage.commit('v42');
    const [delta, sotw] = [client(), client('', 'sotw')];
    await delta.waitFor((c) => c.responses.length > 0);
    await sotw.waitFor((c) => c.responses.length > 0);
    expect(delta.responses[0]).toMatchObject({ version: 'v42', resources: [{ version: 'seven' }] });
    expect(sotw.responses[0]?.version).toBe('v42');
  });

  it('is cleared without a word: who holds something keeps it, who comes waits for the next commit', async () => {
    stage.set(TYPE.endpoint, 'a', bytes('1')).commit();
    const one = client();
    await one.waitFor((c) => held(c).length === 1);
    stage.clear();
    const two = client();
    await expect.poll(() => server.streams().length).toBe(2);
    expect([one, two].map(held)).toEqual([['a=1'], []]);
    stage.set(TYPE.endpoint, 'b', bytes('2')).commit();
    for (const each of [one, two]) await each.waitFor((c) => held(c).join() === 'b=2');
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { Stage, XdsServer } from '#libs/xds';
import { FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, quiet, TYPE } from './rig.js';

/** An engine that its user fills by hand. */
class Engine {
  readonly server = new XdsServer({
    gatekeeper: {
      authenticate: () => Promise.resolve({ id: 'any', expiresAt: Number.MAX_SAFE_INTEGER, claims: undefined }),
      admit: () => Promise.resolve(Stage.EVERYBODY),
    },
    limits: { admissionWaitMs: 600_000, settleMs: 300, checkMs: 50 },
    ...{ clock: systemClock, log: silentLog, metrics: silentMetrics },
  });
  readonly stage = new Stage(this.server);

  start = (port = 0): Promise<number> => this.server.start({ host: '127.0.0.1', port, tls: 'plaintext' });

  commit(...resources: readonly { type: string; name: string; bytes: Uint8Array }[]): void {
    for (const { type, name, bytes } of resources) this.stage.set(type, name, bytes);
    this.stage.commit();
  }

  stop = (): Promise<void> => this.server.stop({ graceMs: 0 });
}

const running: Engine[] = [];
const clients: FakeXdsClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  for (const engine of running.splice(0)) await engine.stop();
});

function engine(): Engine {
  const one = new Engine();
  running.push(one);
  return one;
}

function client(port: number): FakeXdsClient {
  const one = new FakeXdsClient({ address: `127.0.0.1:${port}`, token: 'any', node: { id: 'n' } });
  clients.push(one);
  return one.connect();
}

describe('several engines in one process', () => {
  it('know nothing of each other: contents, streams, counters, and the end of one', async () => {
    const [one, two] = [engine(), engine()];
    const [atOne, atTwo] = [client(await one.start()), client(await two.start())];
    one.commit(cluster('only-one'), cluster('both', 1));
    two.commit(cluster('both', 2));
    for (const c of [atOne, atTwo]) c.subscribe(TYPE.cluster);
    await atOne.waitFor((c) => c.names(TYPE.cluster).length === 2);
    await atTwo.waitFor((c) => c.names(TYPE.cluster).length === 1);
    expect(atOne.versions(TYPE.cluster).get('both')).not.toBe(atTwo.versions(TYPE.cluster).get('both'));
    expect([one.server.counters().encodes, two.server.counters().encodes]).toEqual([2, 1]);
    expect([one, two].map(({ server }) => server.streams().length)).toEqual([1, 1]);
    await one.stop();
    await atOne.waitFor((c) => c.ended !== undefined);
    two.commit(cluster('later'));
    await atTwo.waitFor((c) => c.names(TYPE.cluster).includes('later'));
    expect(atTwo.ended).toBeUndefined();
  });
});

describe('a new engine on the same port', () => {
  it('GEN-5 GEN-16 behaves like a process that was started again: free at once, empty until its first commit', async () => {
    const first = engine();
    const port = await first.start();
    first.commit(cluster('a'), cluster('gone'), endpoints('a'));
    const one = client(port).subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a']);
    await one.waitFor((c) => c.names(TYPE.cluster).length === 2 && c.names(TYPE.endpoint).length === 1);
    const nonces = new Set(one.responses.map(({ nonce }) => nonce));
    await first.stop();
    await one.waitFor((c) => c.ended !== undefined);
    const second = engine();
    expect(await second.start(port)).toBe(port);
    const before = one.responses.length;
    one.reconnect();
    await quiet();
    expect([one.responses.length, second.server.counters().requests]).toEqual([before, 0]);
    second.commit(cluster('a'), cluster('new'), endpoints('a'));
    await one.waitFor((c) => c.names(TYPE.cluster).join() === 'a,new');
    const later = one.responses.slice(before);
    expect(later.filter(({ nonce }) => nonces.has(nonce))).toEqual([]);
    // What it holds with equal contents is not sent again.
    expect(later.flatMap(({ resources }) => resources.map(({ name }) => name))).toEqual(['new']);
    expect(later.flatMap(({ removed }) => removed)).toEqual(['gone']);
  });
});

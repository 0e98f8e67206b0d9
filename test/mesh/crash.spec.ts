import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resourceToJson, TYPE } from '#libs/envoy-api';
import { type Clock, err, ok, parseNodeId, silentLog, systemClock } from '#libs/kernel';
import { createRegistry } from '#libs/model';
import { Runtime } from '#libs/runtime';
import { openStore, type Store, type WriteItem } from '#libs/store';
import { policies } from '#policies';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { FakeXdsClient, SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { CountingMetrics } from '../conformance/rig.js';
import { type Certificate, selfSigned } from '../self-signed.js';

const actor = { name: 'tests', role: 'admin', ip: '127.0.0.1', requestId: 'r-1' };
const SERVER_NAME = 'control-plane.test';
const CLUSTER = 'shop/back/8080';
/** Connect timeout of the cluster that is deadly. */
const POISON = '0.077s';
const WORDS = 'disconnected twice within 10 s of receiving it';

/** The machine's clock, but that a quarter of a minute can pass at once. */
class MovedClock implements Clock {
  ahead = 0;
  now = (): number => systemClock.now() + this.ahead;
  monotonic = (): number => systemClock.monotonic() + this.ahead;
  after = systemClock.after.bind(systemClock);
  every = systemClock.every.bind(systemClock);
}

/** A control plane's push path over a real Postgres and real sockets; a token is the node's id. */
class Replica {
  private constructor(
    readonly name: string,
    readonly store: Store,
    readonly runtime: Runtime,
    readonly metrics: CountingMetrics,
    readonly port: number,
  ) {}

  static async start(name: string, url: string, { certificate, clock }: { certificate: Certificate; clock: Clock }) {
    const metrics = new CountingMetrics();
    const store = await openStore({ url, replica: name });
    const runtime = new Runtime({
      ...{
        store,
        registry: createRegistry(policies),
        policies,
        replica: name,
        epoch: name,
        clock,
        log: silentLog,
        metrics,
      },
      credentials: {
        verifyProxyToken: (token) => {
          const who = parseNodeId(Buffer.from(token, 'base64url').toString());
          const end = { jti: token, expiresAt: Number.MAX_SAFE_INTEGER, issuedAt: 0, notBefore: 0 };
          return Promise.resolve(who ? ok({ ...who, ...end, labels: {}, addresses: [] } as never) : err('no node'));
        },
        admitNode: (_claims, node) => {
          const who = parseNodeId(node);
          return who ? ok(who) : err('no node');
        },
        isDenied: () => false,
        onDenied: () => () => {},
      },
      secrets: { resolve: () => Promise.resolve({ kind: 'none' }), recheckAfterMs: () => undefined },
      xds: { host: '127.0.0.1', port: 0, tls: { keyPem: certificate.key, certPem: certificate.certificate } },
    });
    return new Replica(name, store, runtime, metrics, await runtime.start());
  }

  async stop(): Promise<void> {
    await this.runtime.stop(0);
    await this.store.close();
  }
}

/** An Envoy as far as the protocol goes. When it dies it loses all that it holds. */
class Sidecar {
  #client: FakeXdsClient | undefined;
  deaths = 0;

  constructor(
    readonly name: string,
    private replica: Replica,
    private readonly caPem: string,
    public mortal: boolean,
  ) {}

  get node(): string {
    return `default/shop/${this.name}/${this.name}-1`;
  }

  get client(): FakeXdsClient {
    if (!this.#client) throw new Error(`${this.name} was not started`);
    return this.#client;
  }

  start(replica = this.replica): this {
    this.replica = replica;
    const client: FakeXdsClient = new FakeXdsClient({
      address: `127.0.0.1:${replica.port}`,
      token: Buffer.from(this.node).toString('base64url'),
      caPem: this.caPem,
      serverName: SERVER_NAME,
      node: { id: this.node, userAgentName: 'envoy', userAgentVersion: '1.40.0' },
      judge: ({ resources }) => {
        const isPoison = resources.some((one) => one.name === CLUSTER && timeoutOf(one.bytes) === POISON);
        if (!this.mortal || !isPoison) return undefined;
        this.deaths += 1;
        setImmediate(() => client.disconnect());
        return SILENCE;
      },
    });
    this.#client = client;
    client
      .connect()
      .subscribe(TYPE.cluster)
      .subscribe(TYPE.listener)
      .subscribe(TYPE.route, ['shop/back', 'inbound/http']);
    return this;
  }

  /** Runs this form of the cluster. */
  async has(timeout: string): Promise<void> {
    await this.client
      .waitFor(() => this.timeout === timeout, 15_000)
      .catch((error: unknown) => {
        throw new Error(`${this.name} has ${this.timeout} and not ${timeout}`, { cause: error });
      });
  }

  async hasAll(): Promise<void> {
    const whole = (it: FakeXdsClient) => it.names(TYPE.listener).length === 2 && it.names(TYPE.route).length === 2;
    await this.client.waitFor(whole, 15_000);
  }

  get timeout(): string | undefined {
    const bytes = this.client.bytes(TYPE.cluster, CLUSTER);
    return bytes && timeoutOf(bytes);
  }
}

const timeoutOf = (bytes: Uint8Array): string =>
  (resourceToJson(TYPE.cluster, bytes) as { readonly connectTimeout: string }).connectTimeout;

describe('REL-26 a configuration that proxies die of', () => {
  const clock = new MovedClock();
  let database: TestDatabase;
  let certificate: Certificate;
  let one: Replica;
  let two: Replica;
  const proxies: Sidecar[] = [];

  const item = (kind: string, name: string, spec: Record<string, unknown>): WriteItem => ({
    op: 'put',
    manifest: {
      apiVersion: 'heddle.dev/v1alpha1',
      kind,
      metadata: { name, namespace: 'shop', labels: {}, annotations: {} },
      spec,
    },
  });
  const connect = (time: string): WriteItem =>
    item('TimeoutPolicy', 'pace', { targetRef: { kind: 'Service', name: 'back' }, connect: time });
  const write = async (...items: readonly WriteItem[]): Promise<void> => {
    const written = await one.store.resources.write({ mesh: 'default', actor, message: 'test', items });
    if (!written.ok) throw new Error(JSON.stringify(written.error));
    await settled();
  };
  const settled = async (): Promise<void> => {
    for (const { store, runtime } of [one, two]) {
      await store.feed.poke();
      await runtime.coordinator.settled();
    }
  };
  const proxy = (name: string, replica: Replica, mortal = false): Sidecar => {
    const made = new Sidecar(name, replica, certificate.certificate, mortal);
    proxies.push(made);
    return made;
  };
  const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    for (const end = performance.now() + 15_000; !(await holds()); ) {
      if (performance.now() > end) throw new Error(`not within 15 s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const died = (who: Sidecar, times: number): Promise<void> =>
    until(`${who.name} dies`, async () => {
      const info = [one, two].flatMap(({ runtime }) => runtime.server.streamInfos());
      return who.deaths === times && !info.some(({ node }) => node.id === who.node);
    });

  beforeEach(async () => {
    clock.ahead = 0;
    certificate = await selfSigned([{ type: 'dns', value: SERVER_NAME }]);
    database = await createTestDatabase();
    one = await Replica.start('one', database.url, { certificate, clock });
    two = await Replica.start('two', database.url, { certificate, clock });
    const ports = [{ name: 'http', port: 8080, protocol: 'http' }];
    const names = ['back', 'a', 'b', 'c', 'd'];
    await write(...names.map((name) => item('Service', name, { ports })), connect('1s'));
    for (const [i, name] of names.entries()) {
      const address = `10.0.0.${i + 1}`;
      await one.store.instances.register(
        {
          ...{ mesh: 'default', namespace: 'shop', workload: name, name: `${name}-1`, labels: { workload: name } },
          ...{ bind: { address, ports: { http: 8080 } }, app: { address: '127.0.0.1', ports: { http: 8080 } } },
          ...{ advertised: address, outbound: { address: '127.100.0.1', httpPort: 15001 }, host: `host-${name}` },
          locality: { region: '', zone: '' },
        },
        actor,
      );
    }
    await settled();
  });
  afterEach(async () => {
    for (const { client } of proxies.splice(0)) client.disconnect();
    await one?.stop();
    await two?.stop();
    await database?.drop();
  });

  /** Proxies that have been running for longer than a moment. */
  async function running(...all: readonly Sidecar[]): Promise<void> {
    for (const each of all) {
      await each.start().has('1s');
      await each.hasAll();
    }
    clock.ahead += 15_000;
  }
  /** It dies of the content, comes back empty, dies again, and comes back. */
  async function diesTwice(who: Sidecar): Promise<void> {
    await died(who, 1);
    who.start();
    await died(who, 2);
    who.start();
  }

  it('it gets what it lived with under that name and everything else; others get it, and the corrected one goes out at once', async () => {
    const [a, c] = [proxy('a', one, true), proxy('c', two)];
    await running(a, c);
    await write(connect('77ms'));
    await diesTwice(a);
    await a.has('1s');
    await c.has(POISON);
    await a.hasAll();
    expect(a.client.names(TYPE.cluster)).toEqual(c.client.names(TYPE.cluster));
    const status = one.runtime.server.streams().find(({ stream }) => stream.node.id === a.node);
    expect(status?.types.find(({ type }) => type === TYPE.cluster)?.refused).toMatchObject([
      { name: CLUSTER, message: WORDS },
    ]);
    expect(one.runtime.progress.of('default', one.runtime.coordinator.configRevision)?.refused).toMatchObject([
      { proxy: a.node, type: 'CDS', name: CLUSTER, message: WORDS },
    ]);
    expect(one.metrics.counts.get('heddle_crash_contents_total proxy')).toBe(1);
    await write(connect('78ms'));
    await a.has('0.078s');
    expect(a.deaths).toBe(2);
  });

  it('on two hosts, at any replica: nobody new gets it, who runs it keeps it, until it is corrected or released', async () => {
    const [a, b, c] = [proxy('a', one, true), proxy('b', two, true), proxy('c', two)];
    await running(a, b, c);
    await write(connect('77ms'));
    await Promise.all([diesTwice(a), diesTwice(b)]);
    await until(
      'it is held back from all',
      async () => (await one.store.badContents.list('default'))[0]?.everywhere === true,
    );
    await settled();
    const d = proxy('d', one).start();
    await d.has('1s');
    await c.has(POISON);
    c.client.reconnect();
    await c.client.waitFor((it) => it.responsesOf(TYPE.listener).length > 0);
    expect(c.timeout).toBe(POISON);
    // A replica that starts holds it back, too, and knows the content before.
    const three = await Replica.start('three', database.url, { certificate, clock });
    const fresh = proxy('d', three).start();
    await fresh.has('1s');
    fresh.client.disconnect();
    await three.stop();
    const [row] = await one.store.badContents.list('default');
    expect([row?.name, [...(row?.hosts ?? [])].sort()]).toEqual([CLUSTER, ['host-a', 'host-b']]);
    a.mortal = b.mortal = false; // somebody has given them another Envoy
    await one.store.badContents.release('default', row?.id ?? '', actor);
    await settled();
    for (const each of [a, b, d]) await each.has(POISON);
    await write(connect('78ms'));
    for (const each of [a, b, c, d]) await each.has('0.078s');
    expect(await one.store.verifyAudit()).toMatchObject({ ok: true });
  });

  it('one host has no veto, and rows of contents that are gone are dropped', async () => {
    const a = proxy('a', one, true);
    await running(a);
    await write(connect('77ms'));
    await diesTwice(a);
    await a.has('1s');
    await until('it is noted', async () => (await one.store.badContents.list('default')).length === 1);
    await proxy('d', two).start().has(POISON);
    // A replica that starts has read who died of it: it does not have to die of it there.
    a.client.disconnect();
    const three = await Replica.start('three', database.url, { certificate, clock });
    await a.start(three).has('1s');
    expect(a.deaths).toBe(2);
    a.client.disconnect();
    await three.stop();
    await write(connect('78ms'));
    await two.runtime.crashes.forgetPast(['default']);
    expect(await one.store.badContents.list('default')).toEqual([]);
  });

  it('a lost connection is no death: who comes back with what it held is not suspected, however often', async () => {
    const a = proxy('a', one);
    await running(a);
    await write(connect('77ms'));
    await a.has(POISON);
    for (let i = 0; i < 4; i += 1) {
      a.client.reconnect();
      await until('it is back', () => one.runtime.server.streamInfos().length === 1);
      await a.client.waitFor(() => true);
    }
    a.client.disconnect();
    await until('it is gone', () => one.runtime.server.streamInfos().length === 0);
    await a.start().has(POISON);
    expect(await one.store.badContents.list('default')).toEqual([]);
  });
});

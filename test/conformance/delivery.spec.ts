import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from '#libs/kernel';
import type { SecretAnswer } from '#libs/xds';
import { SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, GRPC, listener, quiet, Rig, route, secretBytes, TYPE } from './rig.js';

let rig: Rig;
afterEach(() => rig.stop());

describe('what is reported', () => {
  it('a change is ACKed for a type when everything of it that concerns the stream is', async () => {
    rig = await Rig.start();
    rig.publish(cluster('a'), listener('l'));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.listener);
    await client.waitFor(() => rig.acks.filter((ack) => ack.change === 2).length === 2);
    client.judgeWith((r) => (r.type === TYPE.cluster ? SILENCE : undefined));
    const change = rig.update(cluster('a', 1), listener('l', [], 1));
    await client.waitFor(() => rig.acks.some((ack) => ack.change === change));
    expect(rig.acks.filter((ack) => ack.change === change).map((ack) => ack.type)).toEqual([TYPE.listener]);
    expect(rig.server.progress(change)).toEqual({ streams: 1, acked: 0 });
    expect(rig.state(TYPE.cluster)?.behindSince).toBeGreaterThan(0);
    client.send({ type: TYPE.cluster, nonce: client.responsesOf(TYPE.cluster).at(-1)?.nonce ?? '' });
    await client.waitFor(() => rig.server.progress(change).acked === 1);
    expect(rig.state(TYPE.cluster)).toMatchObject({ behindSince: 0, ackedChange: change });
  });

  it('a change that concerns no stream is ACKed by all', async () => {
    rig = await Rig.start();
    rig.publish(cluster('a'));
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor(() => rig.acks.length === 1);
    const change = rig.update(endpoints('unseen'));
    expect(rig.server.progress(change)).toEqual({ streams: 1, acked: 1 });
  });
});

describe('when a client has everything', () => {
  // An ACKed listener brings a client to ask for a new route, which belongs to the same change.
  it.each([
    { order: 'asks, then ACKs', steps: ['ask', 'ack'], saidBefore: 0 },
    { order: 'ACKs, then asks', steps: ['ack', 'ask'], saidBefore: 1 },
  ] as const)('it is said after the ACK of what a listener made it ask for: $order', async ({ steps, saidBefore }) => {
    rig = await Rig.start();
    const first = rig.publish(listener('l'), route('old'));
    const client = rig.client().subscribe(TYPE.listener).subscribe(TYPE.route, ['old']);
    await client.waitFor((c) => c.names(TYPE.route).length === 1 && rig.server.progress(first).acked === 1);
    client.judgeWith(() => SILENCE);
    const change = rig.update(listener('l', [], 1), route('new'));
    await client.waitFor((c) => c.responsesOf(TYPE.listener).length === 2);
    const ackedTypes = (): string[] => rig.acks.filter((ack) => ack.change === change).map((ack) => ack.type);
    const said = (): number => rig.caughtUp.filter((upTo) => upTo === change).length;
    const answer = (type: string): void => client.send({ type, nonce: client.responsesOf(type)[1]?.nonce ?? '' });
    // The routes are done with this change as far as they are asked for; the stream is not.
    expect(ackedTypes()).toEqual([TYPE.route]);
    expect(said()).toBe(0);
    for (const step of steps) {
      if (step === 'ask') client.subscribe(TYPE.route, ['new']);
      else answer(TYPE.listener);
    }
    await client.waitFor((c) => c.responsesOf(TYPE.route).length === 2 && ackedTypes().includes(TYPE.listener));
    expect(said()).toBe(saidBefore);
    expect(rig.server.progress(change)).toEqual({ streams: 1, acked: 0 });
    answer(TYPE.route);
    await client.waitFor(() => said() === saidBefore + 1);
    expect(rig.server.progress(change)).toEqual({ streams: 1, acked: 1 });
    await quiet();
    expect(said()).toBe(saidBefore + 1);
  });
});

describe('what it costs', () => {
  it('NET-6 a changed resource is encoded once, whatever the number of streams and variants', async () => {
    rig = await Rig.start({ limits: { streamsPerPrincipal: 100 } });
    rig.publish(cluster('a'), cluster('b'));
    const clients = Array.from({ length: 12 }, (_, i) => rig.client({ variant: i % 3 === 0 ? 'sotw' : 'delta' }));
    for (const client of clients) client.subscribe(TYPE.cluster);
    for (const client of clients) await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
    const before = rig.server.counters();
    expect(before.encodes).toBe(2);
    rig.update(cluster('a', 1));
    for (const client of clients) await client.waitFor((c) => c.responses.length === 2);
    const after = rig.server.counters();
    expect(after.encodes - before.encodes).toBe(1);
    expect(after.frameMisses - before.frameMisses).toBe(2);
    expect(after.responses - before.responses).toBe(12);
  });

  it('NET-6 equal sets are one body, in whatever order clients name what is in them', async () => {
    rig = await Rig.start({ limits: { streamsPerPrincipal: 100 } });
    const names = ['a', 'b', 'c', 'd'];
    rig.publish(...names.map((name) => endpoints(name)));
    const clients = Array.from({ length: 12 }, () => rig.client());
    for (const [index, client] of clients.entries()) {
      const turned = [...names.slice(index % names.length), ...names.slice(0, index % names.length)];
      client.subscribe(TYPE.endpoint, turned);
    }
    for (const client of clients) await client.waitFor((c) => c.names(TYPE.endpoint).length === names.length);
    expect(rig.server.counters()).toMatchObject({ encodes: 4, frameMisses: 1, frameHits: 11 });
  });

  it('a publication sends nothing to streams of other views', async () => {
    rig = await Rig.start({ gatekeeper: { admit: (_, node) => Promise.resolve(node.cluster) } });
    const [a, b] = [cluster('a'), cluster('b')];
    rig.raw({
      set: [a, b],
      layers: [
        { id: 'one', keys: [a.key] },
        { id: 'two', keys: [b.key] },
      ],
      views: [
        { id: 'v1', layers: ['one'] },
        { id: 'v2', layers: ['two'] },
      ],
    });
    const [first, second] = ['v1', 'v2'].map((view) =>
      rig.client({ node: { id: view, cluster: view } }).subscribe(TYPE.cluster),
    );
    await first?.waitFor((c) => c.names(TYPE.cluster).join() === 'a');
    await second?.waitFor((c) => c.names(TYPE.cluster).join() === 'b');
    rig.raw({ set: [{ ...cluster('b', 1), key: b.key }] });
    await second?.waitFor((c) => c.responses.length === 2);
    await quiet();
    expect(first?.responses).toHaveLength(1);
  });

  it('a later layer wins, and a resource that is withheld hides the one below it', async () => {
    rig = await Rig.start({ gatekeeper: { admit: () => Promise.resolve('v') } });
    const [low, high] = [
      { ...listener('l'), key: 'low' },
      { ...listener('l', [], 1), key: 'high' },
    ];
    rig.raw({
      set: [low, high],
      layers: [
        { id: 'below', keys: ['low'] },
        { id: 'above', keys: ['high'] },
      ],
      views: [{ id: 'v', layers: ['below', 'above'] }],
    });
    const client = rig.client().subscribe(TYPE.listener);
    await client.waitFor((c) => c.versions(TYPE.listener).get('l') === high.version);
    rig.raw({ removed: ['high'] });
    await quiet();
    expect(client.versions(TYPE.listener).get('l')).toBe(high.version);
    rig.raw({ layers: [{ id: 'above', keys: [] }] });
    await client.waitFor((c) => c.versions(TYPE.listener).get('l') === low.version);
  });
});

describe('slow and gone clients', () => {
  it('REL-16 NET-4 BUG-27 a client that acknowledges nothing is cut, and holds up nobody', async () => {
    rig = await Rig.start({ limits: { ackProgressMs: 1500, checkMs: 50 } });
    rig.publish(cluster('a'));
    const good = rig.client().subscribe(TYPE.cluster);
    const silent = rig.client({ judge: () => SILENCE }).subscribe(TYPE.cluster);
    await silent.waitFor((c) => c.responses.length === 1);
    for (let i = 1; i < 20; i++) rig.update(cluster('a', i));
    await good.waitFor((c) => c.versions(TYPE.cluster).get('a') === cluster('a', 19).version);
    await silent.waitFor((c) => c.ended !== undefined);
    expect(silent.ended?.code).toBe(GRPC.UNAVAILABLE);
    expect(silent.responses).toHaveLength(1);
    expect(good.ended).toBeUndefined();
  });

  it('REL-15 a stop ends all streams with OK', async () => {
    rig = await Rig.start();
    const clients = [rig.client(), rig.client()].map((client) => client.subscribe(TYPE.cluster));
    for (const client of clients) await client.waitFor((c) => c.responses.length === 1);
    await rig.server.stop({ graceMs: 500 });
    for (const client of clients) {
      await client.waitFor((c) => c.ended !== undefined);
      expect(client.ended?.code).toBe(GRPC.OK);
    }
  });

  it('REL-22 DELTA-16 a request beyond the limit ends its stream, and the log says whose it was', async () => {
    const lines: string[] = [];
    const write = (message: string, fields = {}): void => void lines.push(JSON.stringify([message, fields]));
    const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
    rig = await Rig.start({ log, limits: { maxMessageBytes: 100_000 } });
    const client = rig.client({ node: { id: 'alice/big' } }).subscribe(TYPE.cluster);
    await client.waitFor((c) => c.responses.length === 1);
    const names = (count: number) => Array.from({ length: count }, (_, i) => `l-${i}`.padEnd(50, 'x'));
    client.subscribe(TYPE.listener, names(2_200));
    await client.waitFor((c) => c.ended !== undefined);
    expect(client.ended?.code).toBe(GRPC.RESOURCE_EXHAUSTED);
    expect(rig.metrics.counts.get('xds_limit_total maxMessageBytes')).toBe(1);
    expect(lines.join()).toMatch(/a request is larger than allowed.*alice\/big.*it may have 100000/);
    // Far beyond it nothing is read at all.
    const larger = rig.client().subscribe(TYPE.listener, names(10_000));
    await larger.waitFor((c) => c.ended !== undefined);
    expect(larger.ended?.code).toBe(GRPC.RESOURCE_EXHAUSTED);
  });

  it('REL-22 a reconnect with 50,000 names and versions is served', async () => {
    rig = await Rig.start();
    rig.publish(listener('l-7'));
    const names = Array.from({ length: 50_000 }, (_, i) => `l-${i}`);
    const client = rig.client();
    client.send({
      type: TYPE.listener,
      names,
      initialVersions: Object.fromEntries(names.map((n) => [n, 'f'.repeat(32)])),
    });
    await client.waitFor((c) => c.responses.length === 1);
    expect(client.responses[0]?.removed).toHaveLength(49_999);
  });
});

describe('single-type services', () => {
  it.each([
    ['cds', TYPE.cluster, () => cluster('a')],
    ['eds', TYPE.endpoint, () => endpoints('a')],
    ['lds', TYPE.listener, () => listener('a', ['nothing-known-of-clusters'])],
    ['rds', TYPE.route, () => route('a', ['nothing-known-of-clusters'])],
  ] as const)('%s serves its type in both variants', async (service, type, make) => {
    rig = await Rig.start();
    rig.publish(make());
    for (const variant of ['delta', 'sotw'] as const) {
      const client = rig.client({ service, variant }).subscribe(type, ['a']);
      await client.waitFor((c) => c.names(type).join() === 'a');
    }
  });
});

describe('secrets', () => {
  /** A source with one version at a time, which is kept by those who hold it. */
  const source = (answers: { version: string; asked: (string | undefined)[] }) => ({
    resolve: (_p: unknown, _n: unknown, name: string, held: string | undefined): Promise<SecretAnswer> => {
      answers.asked.push(held);
      if (held === answers.version) return Promise.resolve({ kind: 'keep' });
      return Promise.resolve({ kind: 'send', version: answers.version, bytes: secretBytes(name) });
    },
    recheckAfterMs: () => undefined,
  });

  it('SDS-5 a secret is sent when asked for, and again when it changes; ACKs of it cause nothing', async () => {
    const answers = { version: 'v1', asked: [] as (string | undefined)[] };
    rig = await Rig.start({ secrets: source(answers) });
    const client = rig.client().subscribe(TYPE.secret, ['identity']);
    await client.waitFor((c) => c.versions(TYPE.secret).get('identity') === 'v1');
    rig.server.secretsChanged();
    await quiet();
    expect(client.responses).toHaveLength(1);
    answers.version = 'v2';
    rig.server.secretsChanged((principal) => principal.id === 'nobody');
    await quiet();
    rig.server.secretsChanged();
    await client.waitFor((c) => c.versions(TYPE.secret).get('identity') === 'v2');
    expect(client.responses).toHaveLength(2);
  });

  it('DELTA-1 a reconnect with a good version is sent nothing; asking without one is always answered', async () => {
    const answers = { version: 'v1', asked: [] as (string | undefined)[] };
    rig = await Rig.start({ secrets: source(answers) });
    const client = rig.client().subscribe(TYPE.secret, ['identity']);
    await client.waitFor((c) => c.names(TYPE.secret).length === 1);
    client.reconnect();
    await client.waitFor(() => answers.asked.length === 2);
    await quiet();
    expect(client.responses).toHaveLength(1);
    expect(answers.asked).toEqual([undefined, 'v1']);
    client.subscribe(TYPE.secret, ['identity']);
    await client.waitFor((c) => c.responses.length === 2);
  });

  it('DELTA-13 BUG-11 a secret is never removed, missing ones are met with silence', async () => {
    rig = await Rig.start({
      secrets: { resolve: () => Promise.resolve({ kind: 'none' }), recheckAfterMs: () => undefined },
    });
    const client = rig.client();
    client.send({ type: TYPE.secret, names: ['gone'], initialVersions: { gone: 'v1' } });
    client.send({ type: TYPE.secret, names: ['never'] });
    client.send({ type: TYPE.secret, unsubscribe: ['gone'] });
    await quiet(150);
    expect(client.responses).toEqual([]);
  });

  it('a secret is looked at again when its source says so', async () => {
    let version = 0;
    rig = await Rig.start({
      secrets: {
        resolve: (_p, _n, name) =>
          Promise.resolve({ kind: 'send', version: `v${++version}`, bytes: secretBytes(name) }),
        recheckAfterMs: (_p, _n, held) => (held === 'v1' ? 50 : undefined),
      },
    });
    const client = rig.client().subscribe(TYPE.secret, ['identity']);
    await client.waitFor((c) => c.versions(TYPE.secret).get('identity') === 'v2');
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, GRPC, listener, quiet, Rig, route, TYPE } from './rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

const types = (responses: readonly { readonly type: string }[]): string[] => responses.map((response) => response.type);

describe('both variants', () => {
  it('GEN-1 the node of the first message counts for the whole stream', async () => {
    rig.publish(cluster('a'), listener('l'));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.listener);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 1 && c.names(TYPE.listener).length === 1);
    expect(rig.server.streams()[0]?.stream.node.id).toBe('alice/1');
  });

  it('GEN-2 a first message without node.id is INVALID_ARGUMENT', async () => {
    const client = rig.client();
    client.stream.send({ type: TYPE.cluster });
    await client.waitFor((c) => c.ended !== undefined);
    expect(client.ended?.code).toBe(GRPC.INVALID_ARGUMENT);
  });

  it('GEN-3 an aggregated request without a type is INVALID_ARGUMENT; a single-type service implies it', async () => {
    rig.publish(cluster('a'));
    const client = rig.client();
    client.send({ type: '' });
    await client.waitFor((c) => c.ended !== undefined);
    expect(client.ended?.code).toBe(GRPC.INVALID_ARGUMENT);
    const single = rig.client({ service: 'cds' });
    single.send({ type: '' });
    await single.waitFor((c) => c.names(TYPE.cluster).length === 1);
  });

  it('GEN-4 an unknown type is ignored, and known ones go on', async () => {
    rig.publish(cluster('a'));
    const client = rig.client();
    client.send({ type: 'type.googleapis.com/some.future.Thing' });
    client.subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 1);
    expect(client.ended).toBeUndefined();
  });

  it('GEN-5 BUG-23 a first request with the nonce of an old stream is a first request', async () => {
    rig.publish(cluster('a'));
    const client = rig.client();
    client.send({ type: TYPE.cluster, nonce: 'old.1.1' });
    await client.waitFor((c) => c.names(TYPE.cluster).length === 1);
  });

  it('GEN-5 nonces are never empty, and never the same twice, on no stream', async () => {
    rig.publish(cluster('a'), listener('l'));
    const clients = [rig.client(), rig.client()].map((c) => c.subscribe(TYPE.cluster).subscribe(TYPE.listener));
    for (const client of clients) await client.waitFor((c) => c.responses.length === 2);
    const nonces = clients.flatMap((client) => client.responses.map((response) => response.nonce));
    expect(new Set(nonces).size).toBe(4);
    expect(nonces).not.toContain('');
  });

  it('GEN-8 an ACK causes no response, and nothing is sent while nothing changes', async () => {
    rig.publish(cluster('a'), endpoints('a'), listener('l'), route('r', ['a']));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a']).subscribe(TYPE.listener);
    client.subscribe(TYPE.route, ['r']);
    await client.waitFor((c) => c.names(TYPE.route).length === 1 && c.names(TYPE.endpoint).length === 1);
    await quiet();
    const before = rig.server.counters();
    rig.update(cluster('a'), endpoints('a'));
    await quiet();
    const after = rig.server.counters();
    expect({ ...after, requests: 0 }).toEqual({ ...before, requests: 0 });
  });

  it('GEN-9 GEN-10 a refusal is the error alone; the content is not sent again, a changed one is at once', async () => {
    rig.publish(listener('l'));
    const client = rig.client({ judge: (r) => (r.resources.length > 0 ? 'no' : undefined) }).subscribe(TYPE.listener);
    await client.waitFor(() => rig.nacks.length === 1);
    rig.update(cluster('other'));
    await quiet();
    expect(client.responses).toHaveLength(1);
    client.judgeWith(() => undefined);
    rig.update(listener('l', [], 1));
    await client.waitFor((c) => c.names(TYPE.listener).length === 1);
  });

  it('GEN-11 a refusal that also adds a name, and repeats itself, gets the new resource', async () => {
    rig.publish(route('a'), route('b'));
    const client = rig.client({ judge: () => SILENCE });
    client.send({ type: TYPE.route, names: ['a'] });
    await client.waitFor((c) => c.responses.length === 1);
    const nonce = client.responses[0]?.nonce ?? '';
    client.send({ type: TYPE.route, nonce, error: 'no' });
    client.send({ type: TYPE.route, nonce, error: 'no', names: ['b'] });
    await client.waitFor((c) => c.responses.length === 2);
    expect(client.responses[1]?.resources.map((r) => r.name)).toEqual(['b']);
    expect(rig.nacks).toHaveLength(1);
  });

  it('GEN-13 BUG-33 types and names that were not asked for are not sent', async () => {
    rig.publish(cluster('a'), endpoints('a'), endpoints('b'), listener('l'));
    const client = rig.client().subscribe(TYPE.endpoint, ['a']);
    await client.waitFor((c) => c.responses.length === 1);
    rig.update(endpoints('b', 81), cluster('a', 1));
    await quiet();
    expect(types(client.responses)).toEqual([TYPE.endpoint]);
    expect(client.names(TYPE.endpoint)).toEqual(['a']);
  });

  it('GEN-14 REL-40 two streams of one node are both served, and one may close without the other', async () => {
    rig.publish(cluster('a'));
    const [first, second] = [rig.client().subscribe(TYPE.cluster), rig.client().subscribe(TYPE.cluster)];
    await first.waitFor((c) => c.names(TYPE.cluster).length === 1);
    await second.waitFor((c) => c.names(TYPE.cluster).length === 1);
    first.disconnect();
    await second.waitFor(() => rig.closed.length === 1);
    rig.update(cluster('b'));
    await second.waitFor((c) => c.names(TYPE.cluster).length === 2);
  });

  it('GEN-15 a half-close ends with OK and frees the stream', async () => {
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.responses.length === 1);
    client.stream.halfClose();
    await client.waitFor((c) => c.ended !== undefined);
    expect(client.ended?.code).toBe(GRPC.OK);
    expect(rig.server.streams()).toEqual([]);
  });

  it('GEN-16 BUG-20 before the first publication a stream waits a moment, then it is UNAVAILABLE; never empty', async () => {
    const fresh = await Rig.start({ empty: true, limits: { readyWaitMs: 100 } });
    const early = fresh.client().subscribe(TYPE.cluster);
    await early.waitFor((c) => c.ended !== undefined);
    expect(early.ended?.code).toBe(GRPC.UNAVAILABLE);
    expect(early.responses).toEqual([]);
    await fresh.stop();
    const patient = await Rig.start({ empty: true, limits: { readyWaitMs: 10_000 } });
    const waiting = patient.client().subscribe(TYPE.cluster);
    await quiet();
    patient.publish(cluster('a'));
    await waiting.waitFor((c) => c.names(TYPE.cluster).length === 1);
    await patient.stop();
  });

  it('GEN-16 a view that is not published yet, or has a layer missing, is waited for', async () => {
    const held = await Rig.start({ gatekeeper: { admit: () => Promise.resolve('later') } });
    const client = held.client().subscribe(TYPE.cluster);
    await quiet();
    held.raw({ views: [{ id: 'later', layers: ['missing'] }] });
    await quiet();
    expect(client.responses).toEqual([]);
    const a = cluster('a');
    held.raw({ set: [a], layers: [{ id: 'missing', keys: [a.key] }] });
    await client.waitFor((c) => c.names(TYPE.cluster).length === 1);
    held.raw({ removedViews: ['later'], removedLayers: ['missing'] });
    await quiet();
    expect(client.names(TYPE.cluster)).toEqual(['a']);
    await held.stop();
  });

  it('GEN-16 a view that does not come is waited for so long, then the stream is UNAVAILABLE; one that went is not cut', async () => {
    const bounded = await Rig.start({
      limits: { viewWaitMs: 200, checkMs: 20 },
      gatekeeper: { admit: (_, { id }) => Promise.resolve(id === 'alice/1' ? 'main' : 'none') },
    });
    bounded.publish(cluster('a'));
    const [served, waiting] = [bounded.client(), bounded.client({ node: { id: 'alice/2' } })];
    for (const client of [served, waiting]) client.subscribe(TYPE.cluster);
    await served.waitFor((c) => c.names(TYPE.cluster).length === 1);
    bounded.raw({ removedViews: ['main'] });
    await waiting.waitFor((c) => c.ended !== undefined);
    await quiet(300);
    expect([waiting.ended?.code, waiting.responses, served.ended]).toEqual([GRPC.UNAVAILABLE, [], undefined]);
    expect(bounded.metrics.counts.get('xds_limit_total viewWaitMs')).toBe(1);
    await bounded.stop();
  });

  it('GEN-17 BUG-34 a client that has seen more than there is here is told nothing until it is there, and then the newest', async () => {
    let caughtUp = (): void => {};
    const lagging = await Rig.start({
      gatekeeper: { admit: () => new Promise((resolve) => (caughtUp = () => resolve('main'))) },
    });
    lagging.publish(cluster('a'));
    const client = lagging.client();
    const newest = cluster('a', 1);
    // What it holds comes from another replica: the older content would replace it, and an unknown cluster be removed.
    client.send({ type: TYPE.cluster, initialVersions: { a: newest.version, b: cluster('b').version } });
    await quiet();
    expect(client.responses).toEqual([]);
    lagging.publish(newest, cluster('b'));
    caughtUp();
    await expect.poll(() => lagging.state(TYPE.cluster)?.acked.size).toBe(2);
    await quiet();
    expect(client.responses).toEqual([]);
    await lagging.stop();
  });

  it('GEN-17 within one process nothing goes back: a change with a number that does not grow is refused as a whole', () => {
    rig.publish(cluster('a'));
    const publication = { set: [], removed: [], layers: [], removedLayers: [], views: [], removedViews: ['main'] };
    expect(() => rig.server.publish({ ...publication, change: 1 })).toThrow('publication 1 after');
    expect(rig.server.counters().encodes).toBe(0);
  });

  it('a node whose view changes is sent the difference', async () => {
    const [a, b] = [cluster('a'), cluster('b')];
    rig.publish(a, b);
    rig.raw({ layers: [{ id: 'small', keys: [b.key] }], views: [{ id: 'small', layers: ['small'] }] });
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.names(TYPE.cluster).length === 2);
    rig.server.rebind('alice/1', 'small');
    await client.waitFor((c) => c.names(TYPE.cluster).length === 1);
    expect(client.responses[1]).toMatchObject({ removed: ['a'], resources: [] });
  });
});

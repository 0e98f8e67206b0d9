import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeDelta, SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { admitOwnNodes, cluster, endpoints, GRPC, quiet, Rig, secretBytes, TYPE } from './rig.js';

let rig: Rig;
afterEach(() => rig.stop());

describe('hostile clients', () => {
  it('SEC-1 a node id of somebody else is PERMISSION_DENIED before any response', async () => {
    rig = await Rig.start({ gatekeeper: { admit: admitOwnNodes } });
    rig.publish(cluster('a'));
    const thief = rig.client({ token: 'alice', node: { id: 'bob/1', cluster: 'bob' } }).subscribe(TYPE.cluster);
    await thief.waitFor((c) => c.ended !== undefined);
    expect(thief.ended?.code).toBe(GRPC.PERMISSION_DENIED);
    expect(thief.responses).toEqual([]);
    expect(rig.opened).toEqual([]);
    expect(rig.metrics.counts.get('xds_denied_total PERMISSION_DENIED')).toBe(1);
  });

  it('SEC-1 nothing that a node says of itself but its id has any effect, and no id of others is let in', async () => {
    rig = await Rig.start({ gatekeeper: { admit: admitOwnNodes }, limits: { streamsPerPrincipal: 1_000 } });
    rig.publish(cluster('a'));
    const text = fc.constantFrom('bob', 'bob/1', '', '*', 'alice/../bob/1', '__proto__');
    const node = fc.record({
      id: fc.constantFrom('alice/1', 'bob/1', 'alice', '/alice/1', 'Alice/1', 'bob/1\0alice/1', ' alice/1'),
      ...{ cluster: text, userAgentName: text, userAgentVersion: fc.constantFrom('1.40.0', '') },
    });
    for (const said of fc.sample(node, { numRuns: 40, seed: 1 })) {
      const client = rig.client({ node: said }).subscribe(TYPE.cluster);
      await client.waitFor((c) => c.ended !== undefined || c.responses.length > 0);
      const own = said.id === 'alice/1';
      expect([said, client.ended?.code, client.names(TYPE.cluster)]).toEqual([
        said,
        own ? undefined : GRPC.PERMISSION_DENIED,
        own ? ['a'] : [],
      ]);
      client.disconnect();
    }
    expect(new Set(rig.opened)).toEqual(new Set(['alice/1']));
  });

  it('SEC-2 SDS-6 only names that the source grants are answered, whatever the spelling', async () => {
    const granted: string[] = [];
    rig = await Rig.start({
      secrets: {
        resolve: (principal, _node, name) => {
          const own = name === `${principal.id}-key`;
          if (own) granted.push(name);
          return Promise.resolve(own ? { kind: 'send', version: 'v1', bytes: secretBytes(name) } : { kind: 'none' });
        },
        recheckAfterMs: () => undefined,
      },
    });
    const client = rig
      .client()
      .subscribe(TYPE.secret, ['*', 'bob-key', 'bob-key/../alice-key', 'ALICE-KEY', 'xdstp://x/alice-key']);
    client.subscribe(TYPE.secret, ['alice-key']);
    await client.waitFor((c) => c.names(TYPE.secret).length === 1);
    await quiet();
    expect(client.responses).toHaveLength(1);
    expect(granted).toEqual(['alice-key']);
  });

  it('SEC-3 every method that the server really has is refused without a good credential', async () => {
    rig = await Rig.start();
    const methods = rig.server.methods.map((path) => ({ path, streaming: !path.includes('/Fetch') }));
    rig.publish(cluster('a'));
    const services = new Set(methods.map(({ path }) => path.split('/')[1]));
    expect([methods.length, services.size]).toEqual([30, 12]);
    for (const { path, streaming } of methods) {
      for (const token of [undefined, 'bad']) {
        const code = await statusOf(path, streaming, token);
        expect({ path, token, code }).toEqual({ path, token, code: GRPC.UNAUTHENTICATED });
      }
    }
    expect(rig.server.streams()).toEqual([]);
  });

  it.each([
    ['a fetch', '/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters'],
    ['a service that is not there', '/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats'],
  ])('SEC-3 %s is UNIMPLEMENTED for those with a credential', async (_, path) => {
    rig = await Rig.start();
    expect(await statusOf(path, false, 'alice')).toBe(GRPC.UNIMPLEMENTED);
  });

  it('SEC-4 another node id, or on a single-type service another type, ends the stream', async () => {
    rig = await Rig.start();
    const first = rig.client().subscribe(TYPE.cluster);
    await first.waitFor((c) => c.responses.length === 1);
    first.stream.send({ type: TYPE.cluster, node: { id: 'bob/1' } });
    await first.waitFor((c) => c.ended !== undefined);
    expect(first.ended?.code).toBe(GRPC.INVALID_ARGUMENT);
    const second = rig.client({ service: 'cds' }).subscribe(TYPE.listener);
    await second.waitFor((c) => c.ended !== undefined);
    expect(second.ended?.code).toBe(GRPC.INVALID_ARGUMENT);
  });

  it('ENV-3 the same node may be repeated with every request', async () => {
    rig = await Rig.start();
    rig.publish(cluster('a'));
    const client = rig.client().subscribe(TYPE.cluster);
    client.stream.send({ type: TYPE.listener, node: { id: 'alice/1', cluster: 'x'.repeat(50_000) } });
    await client.waitFor((c) => c.responses.length === 2);
    expect(client.ended).toBeUndefined();
  });

  it('SEC-5 ENV-8 a revoked principal is cut, others are not; an expired one is cut by the clock', async () => {
    rig = await Rig.start({
      limits: { checkMs: 50 },
      gatekeeper: {
        authenticate: (metadata) => {
          const id = metadata.get('authorization')?.slice(7) ?? '';
          return Promise.resolve({
            id,
            expiresAt: id === 'brief' ? Date.now() + 2_000 : Number.MAX_SAFE_INTEGER,
            claims: 0,
          });
        },
      },
    });
    const [alice, bob] = [rig.client(), rig.client({ token: 'bob', node: { id: 'bob/1' } })];
    for (const client of [alice, bob]) await client.subscribe(TYPE.cluster).waitFor((c) => c.responses.length === 1);
    expect(rig.server.disconnect((p) => p.id === 'bob', 'UNAUTHENTICATED', 'revoked')).toBe(1);
    await bob.waitFor((c) => c.ended !== undefined);
    expect(bob.ended).toMatchObject({ code: GRPC.UNAUTHENTICATED, details: 'revoked' });
    const brief = rig.client({ token: 'brief', node: { id: 'brief/1' } }).subscribe(TYPE.cluster);
    await brief.waitFor((c) => c.ended !== undefined);
    expect(alice.ended).toBeUndefined();
  });

  it('SEC-7 bytes that are no request end that stream with INVALID_ARGUMENT, and no other', async () => {
    rig = await Rig.start({ limits: { streamsPerPrincipal: 100 } });
    rig.publish(cluster('a'));
    const good = rig.client().subscribe(TYPE.cluster);
    await good.waitFor((c) => c.responses.length === 1);
    for (const bytes of [[0xff], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f], [0x0b], [0x00, 0x01], [0x12, 0x80]]) {
      const bad = rig.client();
      bad.stream.sendBytes(Buffer.from(bytes));
      await bad.waitFor((c) => c.ended !== undefined);
      expect(bad.ended?.code).toBe(GRPC.INVALID_ARGUMENT);
    }
    rig.update(cluster('b'));
    await good.waitFor((c) => c.names(TYPE.cluster).length === 2);
  });

  it('SEC-7 a request with mutated bytes never does more than end its stream', async () => {
    rig = await Rig.start({ limits: { streamsPerPrincipal: 10_000, openBurst: 10_000 } });
    rig.publish(cluster('a'));
    const request = encodeDelta({
      type: TYPE.cluster,
      node: { id: 'alice/1' },
      names: ['a'],
      initialVersions: { b: 'c' },
    });
    const mutation = fc.array(fc.tuple(fc.nat(request.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    for (const changes of fc.sample(mutation, { numRuns: 40, seed: 7 })) {
      const bytes = Buffer.from(request);
      for (const [at, value] of changes) bytes[at] = value;
      const client = rig.client();
      client.stream.sendBytes(bytes);
      client.stream.halfClose();
      await client.waitFor((c) => c.ended !== undefined);
    }
    const good = rig.client().subscribe(TYPE.cluster);
    await good.waitFor((c) => c.names(TYPE.cluster).length === 1);
  });

  it('SEC-8 SEC-9 too many streams, names or too long a name are RESOURCE_EXHAUSTED, and counted', async () => {
    rig = await Rig.start({ limits: { maxNames: 100, maxNameBytes: 200, streamsPerPrincipal: 2 } });
    const open = [rig.client().subscribe(TYPE.cluster), rig.client().subscribe(TYPE.cluster)];
    for (const client of open) await client.waitFor((c) => c.responses.length === 1);
    const third = rig.client().subscribe(TYPE.cluster);
    await third.waitFor((c) => c.ended !== undefined);
    expect(third.ended?.code).toBe(GRPC.RESOURCE_EXHAUSTED);
    const [many, long] = open;
    for (let i = 0; i < 3; i++)
      many?.subscribe(
        TYPE.endpoint,
        Array.from({ length: 50 }, (_, n) => `n${i}-${n}`),
      );
    long?.subscribe(TYPE.endpoint, ['x'.repeat(201)]);
    for (const client of open) {
      await client.waitFor((c) => c.ended !== undefined);
      expect(client.ended?.code).toBe(GRPC.RESOURCE_EXHAUSTED);
    }
    const hits = ['maxNames', 'maxNameBytes', 'streamsPerPrincipal'].map((l) =>
      rig.metrics.counts.get(`xds_limit_total ${l}`),
    );
    expect(hits).toEqual([1, 1, 1]);
  });

  it('SEC-10 names that are traps for objects are names; control characters are refused', async () => {
    rig = await Rig.start();
    rig.publish(endpoints('__proto__'), endpoints('constructor'));
    const client = rig.client().subscribe(TYPE.endpoint, ['__proto__', 'constructor', 'toString']);
    await client.waitFor((c) => c.names(TYPE.endpoint).length === 2);
    expect(client.responses[0]?.removed).toEqual(['toString']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    client.subscribe(TYPE.endpoint, ['a\r\nb']);
    await client.waitFor((c) => c.ended !== undefined);
    expect(client.ended?.code).toBe(GRPC.INVALID_ARGUMENT);
  });

  it('SEC-11 forged, replayed and foreign nonces acknowledge nothing and cause nothing', async () => {
    rig = await Rig.start();
    rig.publish(cluster('a'));
    const other = rig.client().subscribe(TYPE.cluster);
    await other.waitFor((c) => c.responses.length === 1);
    const client = rig.client({ judge: () => SILENCE, node: { id: 'alice/2' } }).subscribe(TYPE.cluster);
    await client.waitFor((c) => c.responses.length === 1);
    for (const nonce of ['x', '', other.responses[0]?.nonce ?? '', '__proto__']) {
      client.send({ type: TYPE.cluster, nonce });
      client.send({ type: TYPE.cluster, nonce, error: 'no' });
    }
    await quiet();
    expect(client.responses).toHaveLength(1);
    expect(rig.nacks).toEqual([]);
    const state = rig.server.streams().find((s) => s.stream.node.id === 'alice/2')?.types[0];
    expect(state).toMatchObject({ pending: ['a'], ackedChange: 0 });
  });

  it('REL-41 a principal that opens streams too fast is refused for a while', async () => {
    rig = await Rig.start({ limits: { openBurst: 3, opensPerSecond: 0.001 } });
    for (let i = 0; i < 3; i++) {
      const client = rig.client().subscribe(TYPE.cluster);
      await client.waitFor((c) => c.responses.length === 1);
      client.disconnect();
    }
    const late = rig.client().subscribe(TYPE.cluster);
    await late.waitFor((c) => c.ended !== undefined);
    expect(late.ended?.code).toBe(GRPC.RESOURCE_EXHAUSTED);
  });
});

/** Status of a call of a method with an empty message. */
async function statusOf(path: string, streaming: boolean, token?: string): Promise<number> {
  const client = new Client(`127.0.0.1:${rig.port}`, credentials.createInsecure());
  const metadata = new Metadata();
  if (token) metadata.set('authorization', `Bearer ${token}`);
  const same = (bytes: Buffer): Buffer => bytes;
  const code = await new Promise<number>((resolve) => {
    if (streaming) {
      const call = client.makeBidiStreamRequest(path, same, same, metadata);
      call.on('data', () => resolve(-1));
      call.on('error', (error: ServiceError) => resolve(error.code));
      call.write(encodeDelta({ type: TYPE.cluster, node: { id: 'alice/1' } }));
    } else {
      client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, {}, (error) => resolve(error?.code ?? 0));
    }
  });
  client.close();
  return code;
}

import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '#libs/xds';
import { encodeDelta, type FakeXdsClient, SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, GRPC, listener, quiet, type Resource, Rig, route, TYPE } from './rig.js';

const ROOT = join(import.meta.dirname, '../..');

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

/** The resource with a megabyte that nobody reads. */
const big = (resource: Resource): Resource => ({
  ...resource,
  bytes: Buffer.concat([resource.bytes, Buffer.from([0xfa, 0x3f, 0x80, 0x80, 0x40]), Buffer.alloc(1024 * 1024, 'x')]),
});
const served = (client: FakeXdsClient) => client.waitFor((c) => c.responses.length > 0);

describe('limits', () => {
  it('stand in one file, and each is set by some test', () => {
    const tests = globSync(['test/**/*.spec.ts', 'libs/xds/**/*.spec.ts'], { cwd: ROOT })
      .map((path) => readFileSync(join(ROOT, path), 'utf8'))
      .join('\n');
    const limits = Object.keys(DEFAULT_LIMITS);
    expect(limits.length).toBeGreaterThan(25);
    expect(limits.filter((limit) => !new RegExp(`\\b${limit}: `).test(tests))).toEqual([]);
  });

  it('SEC-8 maxStreams: of all together', async () => {
    const first = await Rig.start({ limits: { maxStreams: 2 } });
    rig = first;
    const join = (token: string) => first.client({ token, node: { id: token } }).subscribe(TYPE.cluster);
    const clients = ['a', 'b'].map(join);
    for (const client of clients) await served(client);
    const third = join('c');
    await third.waitFor((c) => c.ended?.code === GRPC.RESOURCE_EXHAUSTED);
    expect(first.metrics.counts.get('xds_limit_total maxStreams')).toBe(1);
    clients[0]?.disconnect();
    await expect.poll(() => first.metrics.counts.get('xds_streams')).toBe(1);
    await served(join('d'));
  });

  it('SEC-8 callsPerConnection: the client is told how many there may be', async () => {
    rig = await Rig.start({ limits: { callsPerConnection: 3 } });
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    const [settings] = (await once(session, 'remoteSettings')) as [{ maxConcurrentStreams: number }];
    expect(settings.maxConcurrentStreams).toBe(3);
    session.destroy();
  });

  it('NET-4 maxUnsentBytes: what waits for the socket is one response, and the next types are not produced', async () => {
    rig = await Rig.start({ limits: { maxUnsentBytes: 1000 } });
    rig.publish(big(cluster('a')), big(endpoints('a')), big(listener('a')), big(route('a')));
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...headers, authorization: 'Bearer alice' });
    for (const [type, names] of [
      [TYPE.cluster, []],
      [TYPE.endpoint, ['a']],
      [TYPE.listener, []],
      [TYPE.route, ['a']],
    ] as const) {
      const message = encodeDelta({ type, names, node: { id: 'alice/1' } });
      const head = Buffer.alloc(5);
      head.writeUInt32BE(message.length, 1);
      stream.write(Buffer.concat([head, message]));
    }
    await expect.poll(() => rig?.server.counters().requests).toBe(4);
    await quiet();
    expect(rig.server.counters().responses).toBe(1);
    let bytes = 0;
    stream.on('data', (data: Buffer) => {
      bytes += data.length;
    });
    await expect.poll(() => bytes).toBeGreaterThan(4 * 1024 * 1024);
    expect(rig.server.counters().responses).toBe(4);
    session.destroy();
  });

  it('NET-6 frameCacheBytes: with no room bodies are built anew, and all are served', async () => {
    rig = await Rig.start({ limits: { frameCacheBytes: 0 } });
    rig.publish(cluster('a'), endpoints('a'));
    // The newest body is always kept: the two of a client push each other out.
    for (const id of ['alice/1', 'alice/2']) {
      const client = rig.client({ node: { id } }).subscribe(TYPE.cluster);
      await served(client);
      await client.subscribe(TYPE.endpoint, ['a']).waitFor((c) => c.names(TYPE.endpoint).length === 1);
    }
    expect(rig.server.counters()).toMatchObject({ encodes: 2, frameHits: 0, frameMisses: 4, responses: 4 });
  });

  it('SEC-12 maxErrorChars: of what a client says of a response no more is kept', async () => {
    rig = await Rig.start({ limits: { maxErrorChars: 10 } });
    rig.publish(cluster('a'));
    let answers = 0;
    const client = rig.client({ judge: () => (answers++ === 0 ? '<script>\r\n'.repeat(1_000) : SILENCE) });
    client.subscribe(TYPE.cluster);
    await expect.poll(() => rig?.nacks.length).toBe(1);
    expect(rig.nacks[0]?.message).toBe('<script>\r\n');
  });

  it('SEC-12 what a client says of a response can be stored: without NUL, and no character is cut in two', async () => {
    rig = await Rig.start({ limits: { maxErrorChars: 6 } });
    rig.publish(cluster('a'));
    let answers = 0;
    const client = rig.client({ judge: () => (answers++ === 0 ? 'no\0\0!\u{1F980}' : SILENCE) });
    client.subscribe(TYPE.cluster);
    await expect.poll(() => rig?.nacks.length).toBe(1);
    expect(rig.nacks[0]?.message).toBe('no\uFFFD\uFFFD!\uFFFD');
  });
});

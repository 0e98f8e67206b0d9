import 'reflect-metadata';
import { connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { HandClock } from '../../libs/testing/src/clock/index.js';
import { encodeDelta } from '../../libs/testing/src/xds-client/index.js';
import { selfSigned } from '../self-signed.js';
import { cluster, endpoints, Rig, TYPE } from './rig.js';

// What a client sees must not depend on what carries its calls. The other scripts run with the default.
const GRPC = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAUTHENTICATED: 16,
  RESOURCE_EXHAUSTED: 8,
};
const ADS = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

let rig: Rig;
afterEach(() => rig.stop());

interface Answer {
  readonly http: number;
  readonly status: number;
  readonly message: string;
}

/** One call with hand-made headers and bytes; `end`: with a half-close behind them. */
async function call(headers: Record<string, string>, bytes: Buffer, end = true): Promise<Answer> {
  const session = connect(`http://127.0.0.1:${rig.port}`);
  const stream = session.request({
    ...{ ':method': 'POST', ':path': ADS, 'content-type': 'application/grpc', te: 'trailers' },
    ...{ authorization: 'Bearer alice', ...headers },
  });
  const found = { http: 0, status: -1, message: '' };
  const note = (fields: Record<string, unknown>): void => {
    if (fields[':status'] !== undefined) found.http = Number(fields[':status']);
    if (fields['grpc-status'] !== undefined) found.status = Number(fields['grpc-status']);
    if (fields['grpc-message'] !== undefined) found.message = decodeURIComponent(String(fields['grpc-message']));
  };
  stream
    .on('response', note)
    .on('trailers', note)
    .on('error', () => {});
  if (end) stream.end(bytes);
  else stream.write(bytes);
  await text(stream).catch(() => '');
  session.destroy();
  return found;
}

function frame(message: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const request = (): Buffer => Buffer.from(encodeDelta({ type: TYPE.cluster, node: { id: 'alice/1' } }));

describe.each(['http2', 'grpc-js'] as const)('calls by %s', (transport) => {
  it('GEN-15 requests, answers, a refusal, and a half-close that ends with OK', async () => {
    rig = await Rig.start({ transport });
    rig.publish(cluster('a'));
    const client = rig.client({
      judge: ({ resources }) => (resources.some((r) => r.name === 'bad') ? 'no' : undefined),
    });
    client.subscribe(TYPE.cluster);
    await client.waitFor((c) => c.versions(TYPE.cluster).has('a'));
    rig.update(cluster('bad'));
    await expect.poll(() => rig.nacks.map(({ message }) => message)).toEqual(['no']);
    client.stream.halfClose();
    await client.waitFor((c) => c.ended !== undefined);
    expect(client.ended?.code).toBe(GRPC.OK);
    expect(rig.closed).toEqual(['alice/1']);
  });

  it('NET-4 answers larger than every window arrive whole, also at a client that reads late', async () => {
    rig = await Rig.start({ transport });
    const names = Array.from({ length: 3_000 }, (_, index) => `cluster-${index}-${'x'.repeat(300)}`);
    rig.publish(...names.map((name) => cluster(name)), ...names.map((name) => endpoints(name)));
    const client = rig.client();
    client.stream.pause();
    client.subscribe(TYPE.cluster).subscribe(TYPE.endpoint, names);
    await expect.poll(() => rig.server.counters().responses).toBeGreaterThan(0);
    client.stream.resume();
    await client.waitFor((c) => c.versions(TYPE.cluster).size === 3_000 && c.versions(TYPE.endpoint).size === 3_000);
  });

  it('works over TLS, and with a certificate that replaced another', async () => {
    const { certificate: certPem, key: keyPem } = await selfSigned([{ type: 'dns', value: 'localhost' }]);
    const next = await selfSigned([{ type: 'dns', value: 'localhost' }]);
    rig = await Rig.start({ transport, tls: { keyPem, certPem } });
    rig.publish(cluster('a'));
    const first = rig.client({ caPem: certPem, serverName: 'localhost' }).subscribe(TYPE.cluster);
    await first.waitFor((c) => c.versions(TYPE.cluster).has('a'));
    rig.server.replaceTls({ keyPem: next.key, certPem: next.certificate });
    const second = rig.client({ caPem: next.certificate, serverName: 'localhost', node: { id: 'alice/2' } });
    await second.subscribe(TYPE.cluster).waitFor((c) => c.versions(TYPE.cluster).has('a'));
    rig.update(cluster('b'));
    await first.waitFor((c) => c.versions(TYPE.cluster).has('b'));
  });

  it.each([
    ['SEC-3 no credential', { authorization: '' }, GRPC.UNAUTHENTICATED],
    ['no such method', { ':path': '/a.B/C' }, GRPC.UNIMPLEMENTED],
  ])('%s: the call ends before a message is read', async (_, headers, status) => {
    rig = await Rig.start({ transport });
    expect(await call(headers, frame(request()))).toMatchObject({ http: 200, status });
    expect(rig.server.counters().requests).toBe(0);
  });

  it('a deadline of the client ends its call', async () => {
    rig = await Rig.start({ transport });
    const answer = await call({ 'grpc-timeout': '50m' }, frame(request()), false);
    expect([-1, GRPC.DEADLINE_EXCEEDED]).toContain(answer.status); // grpc-js resets the stream instead
    await expect.poll(() => rig.closed).toEqual(['alice/1']);
  });

  it('garbage in a frame is INVALID_ARGUMENT', async () => {
    rig = await Rig.start({ transport });
    expect((await call({}, frame(Buffer.from([0xff, 0xff])))).status).toBe(GRPC.INVALID_ARGUMENT);
  });

  it('what is no gRPC call gets an HTTP error', async () => {
    rig = await Rig.start({ transport });
    expect((await call({ 'content-type': 'application/json' }, Buffer.from('{}'))).http).toBe(415);
  });
});

describe('calls by http2', () => {
  it('SEC-3 M5 whether a method exists is told to those who may ask', async () => {
    rig = await Rig.start();
    const answer = await call({ authorization: 'Bearer bad', ':path': '/a.B/C' }, frame(request()));
    expect(answer.status).toBe(GRPC.UNAUTHENTICATED);
  });

  it('messages are not compressed', async () => {
    rig = await Rig.start();
    const answer = await call({ 'grpc-encoding': 'gzip' }, frame(gzipSync(request()), 1));
    expect(answer).toMatchObject({ http: 200, status: GRPC.UNIMPLEMENTED });
  });

  it('an incomplete last message is an error, not silence', async () => {
    rig = await Rig.start();
    const bytes = Buffer.concat([frame(request()), Buffer.from([0, 0, 0, 9, 9])]);
    expect((await call({}, bytes)).status).toBe(GRPC.INTERNAL);
  });

  it('SEC-8 SEC-9 half a message is not kept for ever', async () => {
    const clock = new HandClock();
    rig = await Rig.start({ clock, limits: { messageMs: 5_000 } });
    const answer = call({}, frame(request()).subarray(0, 8), false);
    await clock.advance(4_000);
    expect(rig.metrics.counts.get('xds_limit_total messageMs')).toBeUndefined();
    await expect
      .poll(async () => {
        await clock.advance(2_000);
        return rig.metrics.counts.get('xds_limit_total messageMs');
      })
      .toBe(1);
    expect((await answer).status).toBe(GRPC.RESOURCE_EXHAUSTED);
  });

  it('who is always in the middle of some message may go on, as long as each of them ends', async () => {
    const clock = new HandClock();
    rig = await Rig.start({ clock, limits: { messageMs: 5_000 } });
    rig.publish(cluster('a'));
    const session = connect(`http://127.0.0.1:${rig.port}`);
    const stream = session.request({
      ...{ ':method': 'POST', ':path': ADS, 'content-type': 'application/grpc', te: 'trailers' },
      authorization: 'Bearer alice',
    });
    const [first, again] = [frame(request()), frame(Buffer.from(encodeDelta({ type: TYPE.endpoint, names: ['b'] })))];
    stream.write(Buffer.concat([first, again.subarray(0, 7)]));
    for (let sent = 1; sent < 5; sent++) {
      await expect.poll(() => rig.server.counters().requests).toBe(sent);
      await clock.advance(3_000);
      stream.write(Buffer.concat([again.subarray(7), again.subarray(0, 7)]));
    }
    expect(rig.metrics.counts.get('xds_limit_total messageMs')).toBeUndefined();
    session.destroy();
  });

  it('several messages in one piece are handled in their order, and wait for the admission', async () => {
    rig = await Rig.start();
    rig.publish(cluster('a'), endpoints('a'));
    const more = Buffer.from(encodeDelta({ type: TYPE.endpoint, names: ['a'] }));
    const answer = await call({}, Buffer.concat([frame(request()), frame(more)]));
    expect(answer.status).toBe(GRPC.OK);
    expect(rig.server.counters()).toMatchObject({ requests: 2, responses: 2 });
  });
});

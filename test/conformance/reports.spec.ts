import { Client, type ClientWritableStream, credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalformedMessage } from '#libs/envoy-api';
import { Denied, type ReportMethod } from '#libs/xds';
import { HandClock, settled } from '../../libs/testing/src/clock/index.js';
import { cluster, GRPC, Rig, TYPE } from './rig.js';

// Methods of the embedding program: what it reads of them is its own matter, who may call and how much is the engine's.
const PATH = '/program.v1.Reports/Stream';
const same = (bytes: Buffer): Buffer => bytes;

let rig: Rig;
let clients: Client[] = [];
/** `<principal>: <message>` as the program got them, and whose streams are gone. */
let received: string[] = [];
let closed: string[] = [];
const reports: ReportMethod = {
  path: PATH,
  open: ({ principal }) => ({
    message: (bytes) => {
      const text = bytes.toString();
      if (text === 'malformed') throw new MalformedMessage('not what it should be');
      if (text === 'foreign') throw new Denied('PERMISSION_DENIED', 'not yours');
      if (text === 'bug') throw new Error('a bug of the program');
      received.push(`${principal.id}: ${text.slice(0, 20)}`);
    },
    closed: () => void closed.push(principal.id),
  }),
};

beforeEach(() => {
  [received, closed] = [[], []];
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  clients = [];
  await rig.stop();
});

interface Reporting {
  readonly stream: ClientWritableStream<Buffer>;
  /** Status of the stream's end. */
  readonly code: Promise<number>;
}

function report(token: string | undefined, ...messages: readonly string[]): Reporting {
  const client = new Client(`127.0.0.1:${rig.port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  clients.push(client);
  const metadata = new Metadata();
  if (token) metadata.set('authorization', `Bearer ${token}`);
  const { promise, resolve } = Promise.withResolvers<number>();
  const stream = client.makeClientStreamRequest(PATH, same, same, metadata, (error) => resolve(error?.code ?? 0));
  stream.on('error', () => {});
  for (const message of messages) stream.write(Buffer.from(message));
  return { stream, code: promise };
}

describe.each(['http2', 'grpc-js'] as const)('what clients report, by %s', (transport) => {
  it('MET-1 reaches the program with who said it, and is answered when the client has said everything', async () => {
    rig = await Rig.start({ transport, reports: [reports] });
    const { stream, code } = report('alice', 'one', 'two');
    await expect.poll(() => received).toEqual(['alice: one', 'alice: two']);
    stream.end();
    expect(await code).toBe(0);
    await expect.poll(() => closed).toEqual(['alice']);
  });

  it('SEC-3 is refused without a good credential, and reaches nobody', async () => {
    rig = await Rig.start({ transport, reports: [reports] });
    expect(rig.server.methods).toContain(PATH);
    for (const token of [undefined, 'bad']) expect(await report(token, 'x').code).toBe(GRPC.UNAUTHENTICATED);
    expect([received, closed]).toEqual([[], []]);
  });

  it.each([
    ['malformed', GRPC.INVALID_ARGUMENT],
    ['foreign', GRPC.PERMISSION_DENIED],
    ['bug', GRPC.UNAVAILABLE],
  ])('SEC-7 REL-20 a message that is %s ends its stream, and no other', async (what, expected) => {
    rig = await Rig.start({ transport, reports: [reports] });
    rig.publish(cluster('a'));
    const good = report('alice', 'good');
    const proxy = rig.client().subscribe(TYPE.cluster);
    await proxy.waitFor((c) => c.names(TYPE.cluster).length === 1);
    expect(await report('alice', what, 'more').code).toBe(expected);
    good.stream.write(Buffer.from('still good'));
    await expect.poll(() => received).toEqual(['alice: good', 'alice: still good']);
    expect(proxy.ended).toBeUndefined();
    await expect.poll(() => closed).toEqual(['alice']);
  });

  it('SEC-9 one message is bounded', async () => {
    rig = await Rig.start({ transport, reports: [reports], limits: { maxReportBytes: 1_000 } });
    expect(await report('alice', 'y'.repeat(1_001)).code).toBe(GRPC.RESOURCE_EXHAUSTED);
    expect([received, rig.metrics.counts.get('xds_limit_total maxReportBytes')]).toEqual([[], 1]);
  });

  it('SEC-8 streams are counted by principal, and take no place of configuration', async () => {
    const limits = { streamsPerPrincipal: 2, maxStreams: 3 };
    rig = await Rig.start({ transport, reports: [reports], limits });
    rig.publish(cluster('a'));
    report('alice', 'a');
    report('alice', 'b');
    await expect.poll(() => received.length).toBe(2);
    expect(await report('alice', 'c').code).toBe(GRPC.RESOURCE_EXHAUSTED);
    report('bob', 'd');
    await expect.poll(() => received.length).toBe(3);
    expect(await report('carol', 'e').code).toBe(GRPC.RESOURCE_EXHAUSTED);
    const proxy = rig.client({ token: 'carol' }).subscribe(TYPE.cluster);
    await proxy.waitFor((c) => c.names(TYPE.cluster).length === 1);
  });

  it('SEC-5 ends with its credential', async () => {
    rig = await Rig.start({ transport, reports: [reports] });
    const { code } = report('alice', 'one');
    await expect.poll(() => received.length).toBe(1);
    rig.server.disconnect(({ id }) => id === 'alice', 'UNAUTHENTICATED', 'revoked');
    expect(await code).toBe(GRPC.UNAUTHENTICATED);
    await expect.poll(() => closed).toEqual(['alice']);
  });
});

describe('reports', () => {
  it('MET-1 SEC-8 a flood is read as fast as is allowed and waits in its client; nobody is cut off', async () => {
    const clock = new HandClock(1_000);
    const limits = { maxReportBytes: 10_240, reportBytesPerSecond: 5_120 };
    rig = await Rig.start({ reports: [reports], clock, limits });
    // Each counts as 256 bytes, however small.
    const flood = report('alice', ...Array.from({ length: 200 }, (_, i) => `${i}`));
    await expect.poll(() => received.length).toBe(41);
    report('bob', 'from another');
    await expect.poll(() => received.at(-1)).toBe('bob: from another');
    for (let second = 1; second <= 8; second++) {
      await clock.advance(1_000);
      const read = Math.min(200, 41 + second * 20);
      await expect.poll(() => received.length).toBeGreaterThanOrEqual(Math.min(read, 201));
      expect(received.length).toBeLessThanOrEqual(read + 2);
    }
    expect(rig.metrics.counts.get('xds_limit_total reportBytesPerSecond')).toBeGreaterThan(10);
    flood.stream.end();
    await settled();
    expect(await flood.code).toBe(0);
  });

  it('SEC-5 NET-2 end with the time of their credential, and by age where there is nothing to follow', async () => {
    const clock = new HandClock(1_000);
    const authenticate = (metadata: ReadonlyMap<string, string>) => {
      const id = metadata.get('authorization')?.slice(7) ?? '';
      return Promise.resolve({ id, expiresAt: id === 'fay' ? 61_000 : Number.MAX_SAFE_INTEGER, claims: undefined });
    };
    const limits = { streamAgeMs: 600_000 };
    rig = await Rig.start({ reports: [reports], clock, limits, gatekeeper: { authenticate } });
    const short = report('fay', 'one');
    report('gus', 'two');
    await expect.poll(() => received.length).toBe(2);
    await clock.advance(59_000);
    expect(closed.filter((who) => ['fay', 'gus'].includes(who))).toEqual([]);
    await clock.advance(2_000);
    expect(await short.code).toBe(GRPC.UNAUTHENTICATED);
    await clock.advance(600_000);
    await expect.poll(() => closed).toContain('gus');
  });

  it('NET-2 follow the stream of configuration of their connection to another replica', async () => {
    rig = await Rig.start({ reports: [reports] });
    const client = new Client(`127.0.0.1:${rig.port}`, credentials.createInsecure());
    clients.push(client);
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer dora');
    const reporting = new Promise<number>((resolve) => {
      const stream = client.makeClientStreamRequest(PATH, same, same, metadata, (error) => resolve(error?.code ?? 0));
      stream.on('error', () => {});
      stream.write(Buffer.from('one'));
    });
    await expect.poll(() => received.length).toBe(1);
    const ads = client.makeBidiStreamRequest(ADS, same, same, metadata);
    ads.on('error', () => {});
    const other = report('erin', 'of another connection');
    await expect.poll(() => received.length).toBe(2);
    ads.end();
    await reporting;
    other.stream.write(Buffer.from('untouched'));
    await expect.poll(() => received.at(-1)).toBe('erin: untouched');
    expect([closed.includes('dora'), closed.includes('erin')]).toEqual([true, false]);
  });
});

const ADS = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

import 'reflect-metadata';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import type { Limits } from '#libs/xds';
import { encodeDelta, FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';
import { selfSigned } from '../self-signed.js';
import { Crowd } from './crowd.js';
import { EngineProcess } from './engine-process.js';
import type { EngineOptions, Figures, Size } from './engine-protocol.js';

/** FLOOD=long: ten times as many of everything, as in the descriptions of the attacks. */
const TIMES = process.env['FLOOD'] === 'long' ? 10 : 1;
const MB = 1024 * 1024;
const SIZE: Size = { clusters: 3, endpoints: 0, listeners: 0, routes: 0, bytes: 400 };
/** What a busy heap may have left lying. */
const SLACK = 64 * MB;

let engine: EngineProcess;
const ends: (() => void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await engine.end();
});

async function start(options: Partial<EngineOptions> = {}, openFiles?: number): Promise<void> {
  const { limits, ...others } = options;
  const enough: Partial<Limits> = { maxConnections: 5_000, ...limits };
  engine = await EngineProcess.start({ size: SIZE, limits: enough, ...others }, openFiles);
}

function client(token: string): FakeXdsClient {
  const one = new FakeXdsClient({ address: engine.address, token, node: { id: token } });
  ends.push(() => one.disconnect());
  return one.connect();
}

async function served(token: string): Promise<FakeXdsClient> {
  const one = client(token).subscribe(TYPE.cluster);
  await one.waitFor((c) => c.names(TYPE.cluster).length === SIZE.clusters);
  return one;
}

/** A change, which the client has to receive. */
async function pushTo(one: FakeXdsClient, mark: number): Promise<void> {
  const before = one.responses.length;
  await engine.ask({ do: 'publish', mark });
  await one.waitFor((c) => c.responses.length > before);
}

const sockets: Socket[] = [];
async function open(count: number): Promise<Socket[]> {
  const opened = Array.from({ length: count }, () => connect(engine.port, '127.0.0.1').on('error', () => {}));
  sockets.push(...opened);
  ends.push(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  await Promise.all(opened.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
  return opened;
}

function session(): ClientHttp2Session {
  const opened = connectHttp2(`http://${engine.address}`);
  opened.on('error', () => {});
  ends.push(() => opened.destroy());
  return opened;
}

const PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
function call(on: ClientHttp2Session, token: string) {
  const headers = { ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' };
  return on.request({ ...headers, authorization: `Bearer ${token}` }).on('error', () => {});
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const hits = ({ counts }: Figures, limit: string): number => counts[`xds_limit_total ${limit}`] ?? 0;

describe('floods', () => {
  it('SEC-8 silent sockets and a hundred streams of one identity: others are served, and have their pushes', async () => {
    await start({ limits: { unauthenticatedMs: 1_500, maxConnections: 5_000 } });
    const good = await served('good');
    const silent = await open(200 * TIMES);
    const greedy = Array.from({ length: 50 * TIMES }, () => client('greedy').subscribe(TYPE.cluster));
    await pushTo(good, 1);
    await pushTo(await served('late'), 2);
    for (const one of greedy) await one.waitFor((c) => c.ended !== undefined || c.responses.length > 0);
    expect(greedy.filter(({ ended }) => ended === undefined)).toHaveLength(4);
    for (const socket of silent) if (!socket.closed) await once(socket.resume(), 'close');
    const figures = await engine.figures();
    expect(hits(figures, 'streamsPerPrincipal')).toBe(50 * TIMES - 4);
    expect(hits(figures, 'unauthenticatedMs')).toBeGreaterThanOrEqual(200 * TIMES);
    expect([good.ended, engine.alive]).toEqual([undefined, true]);
  });

  it('SEC-8 a TLS handshake that does not go on is dropped, long before an idle connection would be', async () => {
    const { key: keyPem, certificate: certPem } = await selfSigned([{ type: 'dns', value: 'localhost' }]);
    await start({ tls: { keyPem, certPem }, limits: { handshakeMs: 500, unauthenticatedMs: 600_000 } });
    const slow = await open(50 * TIMES);
    // The begin of a record that says it has more.
    for (const socket of slow) socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    for (const socket of slow) if (!socket.closed) await once(socket.resume(), 'close');
    expect(hits(await engine.figures(), 'unauthenticatedMs')).toBe(0);
  });

  it('SEC-9 a hundred thousand names, or one of a megabyte, end their stream; memory does not keep them', async () => {
    await start({ limits: { openBurst: 1_000 } });
    const good = await served('good');
    const before = (await engine.figures()).memory;
    const names = Array.from({ length: 100_000 }, (_, i) => `a-name-that-nobody-has-${i}`);
    for (let round = 0; round < 5 * TIMES; round++) {
      for (const asked of [names, ['x'.repeat(MB)]]) {
        const bad = client('bomb').subscribe(TYPE.endpoint, asked);
        await bad.waitFor((c) => c.ended !== undefined);
        expect(bad.ended?.code).toBe(8);
      }
    }
    const after = await engine.figures();
    expect([hits(after, 'maxNames'), hits(after, 'maxNameBytes')]).toEqual([5 * TIMES, 5 * TIMES]);
    expect(after.memory.heapUsed - before.heapUsed).toBeLessThan(SLACK);
    await pushTo(good, 1);
  });

  it('SEC-7 calls that are opened and reset as fast as it goes leave nothing, and delay nobody', async () => {
    await start({ limits: { openBurst: 1_000_000 } });
    const good = await served('good');
    const rapid = session();
    await once(rapid, 'connect');
    for (let n = 0; n < 2_000 * TIMES && !rapid.destroyed && !rapid.closed; n++) {
      call(rapid, 'rapid').close(8);
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await pushTo(good, 1);
    rapid.destroy();
    await expect.poll(async () => (await engine.figures()).counts['xds_streams']).toBe(1);
    expect((await engine.figures()).counts['xds_admission_waiting stream'] ?? 0).toBe(0);
  });

  it('SEC-7 M3 what says it is compressed and is not ends its call, with a credential and without', async () => {
    await start();
    const good = await served('good');
    for (const token of ['good', 'bad']) {
      const on = session();
      const headers = { ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' };
      const stream = on.request({ ...headers, authorization: `Bearer ${token}`, 'grpc-encoding': 'gzip' });
      stream.on('error', () => {});
      stream.end(Buffer.concat([Buffer.from([1, 0, 0, 0, 4]), Buffer.from('junk')]));
      await once(stream.resume(), 'close');
    }
    expect(engine.alive).toBe(true);
    await pushTo(good, 1);
  });
});

describe('clients that do not read', () => {
  it('REL-16 NET-4 cost less than 5 MB each, and delay nobody', async () => {
    const STUCK = 10 * TIMES;
    // One cluster of 600 KB, and a hundred changes of it.
    await start({ size: { clusters: 1, endpoints: 0, listeners: 0, routes: 0, bytes: 600_000 } });
    const good = client('good').subscribe(TYPE.cluster);
    await good.waitFor((c) => c.responses.length === 1);
    const before = (await engine.figures()).memory;
    for (let n = 0; n < STUCK; n++) {
      const stuck = session();
      const stream = call(stuck, `stuck${n}`);
      stream.write(framed(encodeDelta({ type: TYPE.cluster, node: { id: `stuck${n}` } })));
    }
    await expect.poll(async () => (await engine.figures()).counters.responses).toBe(1 + STUCK);
    for (let mark = 1; mark <= 100; mark++) await pushTo(good, mark);
    const { memory, counters } = await engine.figures();
    expect(counters.responses).toBe(1 + STUCK + 100);
    expect(memory.rss - before.rss).toBeLessThan(STUCK * 5 * MB + SLACK);
  });
});

describe('the end of what the system gives', () => {
  it('REL-45 fewer files than connections: some are refused by us, those who are connected live', async () => {
    await start({ limits: { maxConnections: 20_000 } }, 256);
    const good = await served('good');
    const many = await open(300);
    await expect.poll(() => many.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(300 - 191);
    const figures = await engine.figures();
    expect(hits(figures, 'maxConnections')).toBe(300 - 191);
    expect(figures.warned.join()).toContain('the limit of open files permits fewer connections than configured');
    await pushTo(good, 1);
    for (const socket of many) socket.destroy();
    await served('next');
  });

  it('REL-45 no files at all: what comes is lost, nothing else is, and afterwards others are accepted', async () => {
    await start({}, 256);
    const good = await served('good');
    await engine.ask({ do: 'take files', leave: 3 });
    const many = await open(30);
    await pushTo(good, 1);
    expect([engine.alive, good.ended]).toEqual([true, undefined]);
    await engine.ask({ do: 'give files back' });
    for (const socket of many) socket.destroy();
    await served('next');
    await pushTo(good, 2);
  });
});

describe('the end of the process', () => {
  it('REL-15 a signal ends hundreds of streams with OK, not all at once, and then the process', async () => {
    await start({ graceMs: 2_000 });
    const crowd = new Crowd({ count: 50 * TIMES, address: engine.address, size: SIZE });
    await crowd.join(0);
    const ended = engine.end('SIGTERM');
    const states = (): number => crowd.clients.filter((one) => one.ended !== undefined).length;
    await expect.poll(states).toBeGreaterThan(0);
    expect(states()).toBeLessThan(crowd.clients.length);
    expect(await ended).toBe(0);
    await expect.poll(states).toBe(crowd.clients.length);
    expect(new Set(crowd.clients.map((one) => one.ended?.code))).toEqual(new Set([0]));
  });

  it('a new engine on the same port behaves like a process that was started again', async () => {
    await start();
    const { port } = engine;
    const old = await served('old');
    const nonce = old.responses.at(-1)?.nonce ?? '';
    await engine.ask({ do: 'stop', graceMs: 0 });
    await old.waitFor((c) => c.ended !== undefined);
    await engine.end();
    await start({ port, mark: 0 });
    old.reconnect();
    await expect.poll(async () => (await engine.figures()).counts['xds_streams']).toBe(1);
    // It holds what there is: nothing is sent. Then everything is as before, with nonces of another life.
    await pushTo(old, 1);
    expect(old.responses).toHaveLength(2);
    expect(old.responses.at(-1)?.nonce.split('.')[0]).not.toBe(nonce.split('.')[0]);
  });
});

import 'reflect-metadata';
import { Client, type ClientWritableStream, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCESS_LOG_METHOD, type LogEntry, METRICS_METHOD } from '#libs/telemetry';
import type { MeshSidecar } from '../../apps/demo/src/mesh-sidecar.js';
import { logMessage } from '../../libs/telemetry/testing/index.js';
import { MESH } from '../plan/server.js';
import { type Harvested, HarvestRig, service } from './harvest-rig.js';

let rig: HarvestRig;
let front: MeshSidecar;
const streams: ClientWritableStream<Buffer>[] = [];
const clients: Client[] = [];

beforeAll(async () => {
  rig = await HarvestRig.start();
  await rig.server.apply(service('back'));
  front = await rig.join({ workload: 'front', index: 41, version: 'v1' });
  await rig.join({ workload: 'back', index: 42, version: 'v1', application: (_, response) => response.end('hello') });
});
afterAll(async () => {
  for (const stream of streams) stream.cancel();
  for (const client of clients) client.close();
  await rig?.stop();
});

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  await expect.poll(holds, { message: what }).toBe(true);
}

const same = (bytes: Buffer): Buffer => bytes;

/** A client with the token of a workload, which writes what it likes. */
async function liar(workload: string, method = ACCESS_LOG_METHOD): Promise<ClientWritableStream<Buffer>> {
  const { body } = await rig.server.call('POST', `${MESH}/namespaces/shop/proxy-tokens`, {
    ...{ workload, instance: `${workload}-1`, labels: {}, addresses: ['127.0.0.0/8'] },
  });
  const { xds, caPem } = rig.access;
  const client = new Client(`127.0.0.1:${xds.port}`, credentials.createSsl(Buffer.from(caPem)), {
    'grpc.ssl_target_name_override': xds.serverName,
  });
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${body.token}`);
  const stream = client.makeClientStreamRequest(method, same, same, metadata, () => {});
  stream.on('error', () => {});
  clients.push(client);
  streams.push(stream);
  return stream;
}

const FAILED: Partial<LogEntry> = {
  ...{ cluster: 'shop/back/8080', route: 'HTTPRoute/shop/back/0', details: 'via_upstream', attempt: 1, status: 500 },
  ...{ requestId: 'aaaa-1', path: '/good', host: 'back' },
};

const edges = (harvests: readonly Harvested[] = rig.harvests) => harvests.flatMap((harvest) => harvest.edges);
const requestsOf = (caller: string, harvests?: readonly Harvested[]): number =>
  edges(harvests).reduce((sum, edge) => sum + (edge.caller === caller ? edge.requests : 0), 0);

describe('a sidecar that lies', () => {
  it('is one among others, whose calls are told of', async () => {
    await until('back is reached', async () => (await rig.call(front, 'back')).status === 200);
    await until('it is told of', () => requestsOf('shop/front') > 0);
  });

  it('SEC-1 speaks for itself alone, whatever node it names', async () => {
    const stream = await liar('thief');
    stream.write(logMessage([FAILED], { id: 'default/shop/front/front-41', log: 'request;1/16' }));
    await until('the thief is told of', () => requestsOf('shop/thief') === 1);
    const failures = rig.harvests.flatMap((harvest) =>
      harvest.failures.filter(({ caller }) => caller === 'shop/thief'),
    );
    expect(failures.map(({ callerInstance }) => callerInstance)).toEqual(['shop/thief/thief-1']);
    expect(rig.harvests.flatMap((harvest) => harvest.failures).some(({ requestId }) => requestId === 'aaaa-1')).toBe(
      true,
    );
    expect(edges().some(({ caller, status }) => caller === 'shop/front' && status === 500)).toBe(false);
  });

  it('SEC-9 SEC-10 a header of 1 MB, NULs and markup are contained', async () => {
    const stream = await liar('writer');
    const path = `/<script>alert(1)</script>\u0000\r\n${'x'.repeat(1 << 20)}?token=secret`;
    stream.write(logMessage([{ ...FAILED, path }], { id: 'x', log: 'request;1/16' }));
    stream.write(logMessage([{ ...FAILED, cluster: 'no/such/80', route: '<b>', host: '"; DROP' }]));
    stream.write(Buffer.from('no message at all'));
    await until('the writer is told of', () => requestsOf('shop/writer') === 2);
    const paths = rig.harvests.flatMap(({ failures }) =>
      failures.filter(({ caller }) => caller === 'shop/writer').map((failure) => failure.path),
    );
    expect(paths.toSorted()).toEqual([
      expect.stringMatching(/^\/<script>alert\(1\)<\/script>\ufffd\ufffd\ufffdx{400,}$/),
      '/good',
    ]);
    expect(paths.every((one) => one.length <= 512)).toBe(true);
    expect(
      edges()
        .filter(({ caller }) => caller === 'shop/writer')
        .map(({ callee, route }) => `${callee} ${route}`),
    ).toEqual(expect.arrayContaining(['shop/back/8080 HTTPRoute/shop/back/0', 'other ']));
    expect(rig.text).not.toContain('secret');
  });

  it('SEC-3 nobody without a token is read', async () => {
    const { xds, caPem } = rig.access;
    const client = new Client(`127.0.0.1:${xds.port}`, credentials.createSsl(Buffer.from(caPem)), {
      'grpc.ssl_target_name_override': xds.serverName,
    });
    clients.push(client);
    const before = await rig.metric('heddle_access_log_messages_total');
    const code = await new Promise((resolve) => {
      const stream = client.makeClientStreamRequest(ACCESS_LOG_METHOD, same, same, new Metadata(), (error) =>
        resolve(error?.code),
      );
      stream.write(logMessage([FAILED]));
    });
    expect(code).toBe(16);
    // What the others have told meanwhile is theirs.
    expect(await rig.metric('heddle_access_log_messages_total')).toBe(before);
  });
});

describe('a collector that fails', () => {
  it('REL-46 is started again when it is killed, loses what was open and no more, and keeps nobody waiting', async () => {
    const killed = rig.server.collectorPid ?? 0;
    const stream = await liar('early');
    stream.write(logMessage([FAILED], { id: 'x', log: 'request;1/16' }));
    await until('what was over is kept', () => requestsOf('shop/early') === 1);
    process.kill(killed, 'SIGKILL');
    await rig.server.apply(service(`pushed`));
    await until('front knows a new service', async () => (await rig.call(front, 'pushed')).status === 503);
    await until('another collector runs', () => ![undefined, killed].includes(rig.server.collectorPid));
    // A stream that is older than the collector goes on.
    const first = rig.harvests[0]?.source;
    const bySecond = (): readonly Harvested[] => rig.harvests.filter(({ source }) => source !== first);
    await expect
      .poll(() => {
        stream.write(logMessage([FAILED]));
        return requestsOf('shop/early', bySecond());
      })
      .toBeGreaterThan(0);
    // What the first one had written is there, once.
    expect(requestsOf('shop/early')).toBe(1 + requestsOf('shop/early', bySecond()));
    expect(edges(bySecond()).some(({ complete }) => !complete)).toBe(true);
    expect(await rig.metric('heddle_telemetry_collector_starts_total')).toBe(2);
  });

  it('REL-35 that stands still has messages dropped and counted, and no push waits for it', async () => {
    const pid = rig.server.collectorPid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const stream = await liar('flood', METRICS_METHOD);
      const megabyte = Buffer.alloc(1 << 20);
      // A field that nobody reads.
      megabyte.set([0xfa, 0x01, 0xfb, 0xff, 0x3f]);
      const dropped = (): Promise<number> => rig.metric('heddle_telemetry_dropped_total');
      const streams = [stream, await liar('flood-b', METRICS_METHOD), await liar('flood-c', METRICS_METHOD)];
      for (const one of streams) for (let i = 0; i < 6; i++) one.write(megabyte);
      await until('the pipe is full', async () => (await dropped()) > 0);
      const since = performance.now();
      await rig.server.apply(service('pushed-while-it-stands'));
      await until('front knows it', async () => (await rig.call(front, 'pushed-while-it-stands')).status === 503);
      // Whatever the machine does, it is not the minute that a waiting push would take.
      expect(performance.now() - since).toBeLessThan(60_000);
      expect(await rig.metric('heddle_telemetry_pipe_bytes')).toBeLessThan(16 << 20);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const after = rig.harvests.length;
    await until('it goes on, and says that something is missing', async () => {
      await rig.call(front, 'back', '/', ['x-request-id: 00000000-aaaa-4aaa-8aaa-aaaaaaaaaaaa']);
      return edges(rig.harvests.slice(after)).some(({ complete }) => !complete);
    });
    expect(rig.server.collectorPid).toBe(pid);
  });

  it('ends with the control plane, and has written what was open', async () => {
    const pid = rig.server.collectorPid ?? 0;
    const before = requestsOf('shop/front');
    await rig.call(front, 'back', '/', ['x-request-id: 00000000-bbbb-4aaa-8aaa-aaaaaaaaaaaa']);
    const told = await rig.metric('heddle_telemetry_records_total');
    await until('it has told', async () => (await rig.metric('heddle_telemetry_records_total')) > told);
    await rig.stopServer();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(requestsOf('shop/front')).toBeGreaterThan(before);
  });
});

import 'reflect-metadata';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy } from '#libs/launcher';
import { METRICS_METHOD } from '#libs/telemetry';
import { type MeshAccess, MeshSidecar, meshAccess } from '../../apps/demo/src/mesh-sidecar.js';
import { HTTP_PORT, OUTBOUND_HTTP_PORT } from '../../apps/demo/src/topology.js';
import { createApplication } from '../../libs/testing/src/application/index.js';
import { BreakableWire } from '../../libs/xds/testing/index.js';
import { PlanServer } from '../plan/server.js';
import { exchange } from './mesh.js';

const VERSIONS = ['1.36.4', '1.40.0'];

const service = (name: string): object => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ name: 'http', port: HTTP_PORT, protocol: 'http' }] },
});

/** Only `/good` and `/slow` of it lead anywhere, and whoever takes the second is not waited for. */
const route = (name: string): object => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name, namespace: 'shop' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name }],
    rules: [
      { matches: [{ path: { type: 'PathPrefix', value: '/good' } }], backendRefs: [{ name, port: HTTP_PORT }] },
      {
        matches: [{ path: { type: 'PathPrefix', value: '/slow' } }],
        backendRefs: [{ name, port: HTTP_PORT }],
        timeouts: { request: '100ms' },
      },
    ],
  },
});

let server: PlanServer;
let access: MeshAccess;
/** Between every sidecar and the control plane. */
let wire: BreakableWire;
const dir = mkdtempSync(join(tmpdir(), 'heddle-counts-'));
const sidecars: MeshSidecar[] = [];
const applications: Server[] = [];

beforeAll(async () => {
  server = await PlanServer.start();
  const request = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await server.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body as T;
  };
  access = await meshAccess({ request }, { dir, envoy: '' });
  wire = await BreakableWire.start(access.xds.port);
});

afterAll(async () => {
  await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
  for (const application of applications) application.close().closeAllConnections();
  await wire?.stop();
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function enter(workload: string, index: number, version: string): Promise<MeshSidecar> {
  const plan = {
    ...{ name: `${workload}-1`, workload, labels: { app: workload }, ports: { http: HTTP_PORT }, maxRegexProgram: 50 },
    ...{ bind: `127.0.42.${index}`, app: `127.0.32.${index}`, outbound: `127.${220 + index}.0.1` },
  };
  const application = createApplication((request, response) => {
    if (request.url !== '/slow') response.end(workload);
  });
  applications.push(application);
  await once(application.listen(HTTP_PORT, plan.app), 'listening');
  const sidecar = new MeshSidecar(plan, {
    ...access,
    xds: { ...access.xds, port: wire.port },
    envoy: (await findEnvoy({ version })).path,
  });
  sidecars.push(sidecar);
  await sidecar.register();
  await sidecar.start();
  return sidecar;
}

interface Sums {
  requests: number;
  failures: number;
}

/** Sums of a node by scope. */
function countsOf({ plan }: MeshSidecar): Map<string, Sums> {
  const node = `default/shop/${plan.workload}/${plan.name}`;
  const own = [...server.requestCounts.of('default')].filter((count) => count.node === node);
  return new Map(own.map(({ scope, requests, failures }) => [scope, { requests, failures }]));
}

/** `<requests>/<failures>` that came since, by scope; scopes without any are left out. */
function since(before: ReadonlyMap<string, Sums>, now: ReadonlyMap<string, Sums>): Record<string, string> {
  const lines = [...now].map(([scope, { requests, failures }]) => {
    const { requests: r = 0, failures: f = 0 } = before.get(scope) ?? {};
    return [scope, `${requests - r}/${failures - f}`] as const;
  });
  return Object.fromEntries(lines.filter(([, line]) => line !== '0/0'));
}

async function call(from: MeshSidecar, host: string, path = '/'): Promise<number> {
  // An Envoy before 1.38 has a listener for each service instead of the shared port.
  const own = await from.listenerAddress(`outbound/shop/${host}/${HTTP_PORT}`);
  const [address = '', port] = (own ?? `${from.plan.outbound}:${OUTBOUND_HTTP_PORT}`).split(':');
  const head = [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close'];
  return (await exchange(connect(Number(port), address), head)).status;
}

async function calls(count: number, from: MeshSidecar, host: string, path?: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push(await call(from, host, path));
  return [...new Set(statuses)];
}

describe.each(VERSIONS)('Envoy %s', (version) => {
  const number = version.slice(2, 4);
  const index = 10 * (1 + VERSIONS.indexOf(version));
  const names = { back: `back${number}`, down: `down${number}`, front: `front${number}` };

  it('reports what it was asked and what failed, exactly, and goes on from there after a new stream and a restart', async () => {
    await server.apply(service(names.back), service(names.down), route(names.back));
    const back = await enter(names.back, index + 1, version);
    const down = await enter(names.down, index + 2, version);
    const front = await enter(names.front, index + 3, version);
    // Its own 503, of a host to which it cannot connect.
    await until('back is reached', async () => (await call(front, names.back, '/good')) === 200);
    await until('down is reached', async () => (await call(front, names.down)) === 200);
    await down.kill();
    await until('down is down', async () => (await call(front, names.down)) === 503);
    const total = async (from: MeshSidecar, prefix: string): Promise<number> => {
      const counters = await from.stats(`^http\\.${prefix}[^.]*\\.downstream_rq_completed$`);
      return [...counters.values()].reduce((sum, value) => sum + value, 0);
    };
    // Everything so far has been reported.
    await expect.poll(() => countsOf(front).get('outbound')?.requests).toBe(await total(front, 'outbound'));
    await expect.poll(() => countsOf(back).get('inbound http')?.requests).toBe(await total(back, 'inbound'));
    const before = { front: countsOf(front), back: countsOf(back) };

    expect(await calls(10, front, names.back, '/good')).toEqual([200]);
    expect(await calls(4, front, names.down)).toEqual([503]);
    expect(await calls(3, front, names.back, '/bad')).toEqual([404]);
    expect(await calls(2, front, names.back, '/slow')).toEqual([504]);
    const [toBack, toDown] = [`cluster shop/${names.back}/8080`, `cluster shop/${names.down}/8080`];
    const expected = { [toBack]: '12/2', [toDown]: '4/4', outbound: '19/9' };
    await expect.poll(() => since(before.front, countsOf(front))).toEqual(expected);
    const received = { 'cluster inbound/http': '10/0', 'inbound http': '10/0' };
    await expect.poll(() => since(before.back, countsOf(back))).toEqual(received);
    // And exactly right it stays when further reports come, which say of nothing new.
    const node = `default/shop/${names.front}/${names.front}-1`;
    const heard = server.requestCounts.heardOf(node) ?? 0;
    await expect.poll(() => server.requestCounts.heardOf(node)).toBeGreaterThan(heard);
    expect(since(before.front, countsOf(front))).toEqual(expected);

    wire.cut();
    await expect.poll(() => server.requestCounts.heardOf(node)).toBeGreaterThan(Date.now());
    expect(await calls(5, front, names.down)).toEqual([503]);
    const cut = { ...expected, [toDown]: '9/9', outbound: '24/14' };
    await expect.poll(() => since(before.front, countsOf(front))).toEqual(cut);

    await front.stop();
    await front.restart();
    await until('back is reached again', async () => (await call(front, names.back, '/good')) === 200);
    await calls(2, front, names.back, '/good');
    // Envoy began at nothing; the sum did not.
    const [requests, failures] = await Promise.all(
      ['completed', '5xx'].map((what) => front.stat(`cluster.shop/${names.back}/8080.upstream_rq_${what}`)),
    );
    const again = `${12 + (requests ?? 0)}/${2 + (failures ?? 0)}`;
    await expect.poll(() => since(before.front, countsOf(front))[toBack]).toBe(again);
    for (const one of [front, back]) await one.leave();
  });
});

describe('who reports', () => {
  it('SEC-3 is refused without a token, before anything of it is read', async () => {
    const client = new Client(`127.0.0.1:${access.xds.port}`, credentials.createSsl(Buffer.from(access.caPem)), {
      'grpc.ssl_target_name_override': access.xds.serverName,
    });
    const before = [...server.requestCounts.of('default')];
    const code = await new Promise((resolve) => {
      const stream = client.makeClientStreamRequest(METRICS_METHOD, same, same, new Metadata(), (error) =>
        resolve(error?.code),
      );
      stream.write(Buffer.from([0x0a, 0x00]));
    });
    client.close();
    expect(code).toBe(status.UNAUTHENTICATED);
    expect([...server.requestCounts.of('default')]).toEqual(before);
  });
});

const same = (bytes: Buffer): Buffer => bytes;

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await expect.poll(holds, { message: what }).toBe(true);
}

import 'reflect-metadata';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy } from '#libs/launcher';
import { type MeshAccess, MeshSidecar, meshAccess } from '../../apps/demo/src/mesh-sidecar.js';
import { HTTP_PORT, OUTBOUND_HTTP_PORT } from '../../apps/demo/src/topology.js';
import { MESH, PlanServer } from '../plan/server.js';
import { type Answer, exchange } from './mesh.js';

const VERSIONS = ['1.36.4', '1.40.0'];

const service = (name: string): object => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ name: 'http', port: HTTP_PORT, protocol: 'http' }] },
});

let server: PlanServer;
let access: MeshAccess;
const dir = mkdtempSync(join(tmpdir(), 'heddle-counts-'));
const sidecars: MeshSidecar[] = [];
const applications: Server[] = [];

async function join_(workload: string, index: number, version: string): Promise<MeshSidecar> {
  const plan = {
    ...{ name: `${workload}-1`, workload, labels: { app: workload }, ports: { http: HTTP_PORT }, maxRegexProgram: 1000 },
    ...{ bind: `127.0.42.${index}`, app: `127.0.32.${index}`, outbound: `127.${220 + index}.0.1` },
  };
  const application = createServer((_request, response) => response.end(workload));
  applications.push(application);
  await once(application.listen(HTTP_PORT, plan.app), 'listening');
  const sidecar = new MeshSidecar(plan, { ...access, envoy: (await findEnvoy({ version })).path });
  sidecars.push(sidecar);
  await sidecar.register();
  await sidecar.start();
  return sidecar;
}

beforeAll(async () => {
  server = await PlanServer.start();
  const request = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await server.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body as T;
  };
  access = await meshAccess({ request }, { dir, envoy: '' });
  await server.apply(...['back', 'down'].map(service));
});

afterAll(async () => {
  await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
  for (const application of applications) application.close().closeAllConnections();
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** `<requests>/<failures>` by scope. */
function countsOf(workload: string): Record<string, string> {
  const counts = [...server.requestCounts.of('default')].filter(({ node }) => node === `default/shop/${workload}/${workload}-1`);
  return Object.fromEntries(counts.map(({ scope, requests, failures }) => [scope, `${requests}/${failures}`]));
}

function call(from: MeshSidecar, host: string): Promise<Answer> {
  const head = ['GET / HTTP/1.1', `Host: ${host}`, 'Connection: close'];
  return exchange(connect(OUTBOUND_HTTP_PORT, from.plan.outbound), head);
}

describe('what sidecars count', () => {
  it('x', async () => {
    const back = await join_('back', 1, '1.40.0');
    const fronts = [await join_('front-a', 2, VERSIONS[0] ?? ''), await join_('front-b', 3, VERSIONS[1] ?? '')];
    await expect.poll(async () => (await call(fronts[1]!, 'back')).status).toBe(200);
    console.log(await fronts[0]!.adminPage('/listeners'));
    await new Promise((r) => setTimeout(r, 12000));
    console.log(MESH, countsOf('back'), countsOf('front-a'), countsOf('front-b'));
    console.log((await fronts[1]!.adminPage('/stats')), back.plan.name);
    console.log((await server.call('GET', '/metrics')).status);
  });
});

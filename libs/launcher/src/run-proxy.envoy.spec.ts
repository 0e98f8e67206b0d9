import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlPlaneClient } from './control-plane-client.js';
import { findEnvoy } from './find-envoy.js';
import { freePort } from './free-port.js';
import { type RunningProxy, runProxy } from './run-proxy.js';
import { sampleOptions } from './testdata/sample-options.js';

const dir = mkdtempSync(join(tmpdir(), 'heddle-run-'));
const calls: string[] = [];
const events: string[] = [];
let answer: { status: number; body: unknown } = { status: 200, body: { acked: true } };
let server: Server;
let envoy: string;

beforeAll(async () => {
  envoy = (await findEnvoy({ version: '1.40.0' })).path;
  server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`);
    response.statusCode = answer.status;
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}, 300_000);
afterAll(() => {
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function run(name: string): Promise<RunningProxy> {
  calls.length = 0;
  events.length = 0;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const admin = { address: '127.0.0.1', port: await freePort() };
  const xds = { ...sampleOptions.xds, address: '127.0.0.1', port: await freePort() };
  return runProxy({
    dir: join(dir, name),
    files: { ...sampleOptions, xds, admin, token: 'a.b.c' },
    registration: {
      workload: 'web',
      bind: { address: '10.0.0.5', ports: { http: 8080 } },
      app: { address: '127.0.0.1', ports: { http: 8080 } },
    },
    client: (token) => new ControlPlaneClient({ url, token, timeoutMs: 30_000 }),
    envoy,
    onEvent: (line) => events.push(line),
  });
}

describe('heddle proxy run', () => {
  it('registers, starts Envoy, and leaves in the order that loses no request', async () => {
    answer = { status: 200, body: { acked: true } };
    const proxy = await run('well');
    const path = '/api/v1/meshes/default/namespaces/shop/instances/web-1';
    expect(calls).toEqual([`PUT ${path}`]);
    expect(proxy.sidecar.exit).toBeUndefined();
    const [first, second] = await Promise.all([proxy.leave(), proxy.leave()]);
    expect(first).toEqual({ deregistered: true, acked: true, drained: true });
    expect(second).toBe(first);
    expect(calls).toEqual([`PUT ${path}`, `DELETE ${path}?wait=5`]);
    expect(await proxy.exited).toMatchObject({ expected: true, reason: 'stopped' });
    expect(events.at(-1)).toBe('left');
  });

  it('does not start Envoy when the registration is refused', async () => {
    answer = { status: 403, body: { detail: 'the token does not grant web-1' } };
    await expect(run('refused')).rejects.toThrow('the control plane answered 403: the token does not grant web-1');
  });

  it('starts Envoy while the control plane is away, and still leaves', async () => {
    answer = { status: 503, body: { detail: 'Postgres is away' } };
    const proxy = await run('away');
    expect(events[0]).toMatch(/^not registered yet, trying again in 1 s: .*Postgres is away/);
    expect(await proxy.leave()).toEqual({ deregistered: false, acked: false, drained: true });
  });
});

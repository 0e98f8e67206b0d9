/** A whole control plane in this process, over a database of its own, and what tests of changes say to it. */
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Plan } from '#libs/changes';
import type { RequestCounts } from '#libs/kernel';
import type { PolicyKind } from '#libs/model';
import { configSchema } from '../../apps/control-plane/src/config.schema.js';
import { type RunningControlPlane, startControlPlane } from '../../apps/control-plane/src/control-plane.js';
import type { ControlPlanePorts } from '../../apps/control-plane/src/ports.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { jsonRequest } from '../../libs/testing/src/rest/index.js';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any;
}

export const MESH = '/api/v1/meshes/default';

export class PlanServer {
  private constructor(
    private readonly dataDir: string,
    private readonly database: TestDatabase,
    private readonly running: RunningControlPlane,
    private token: string,
  ) {}

  static async start(policies?: readonly PolicyKind[], ports: ControlPlanePorts = {}): Promise<PlanServer> {
    const database = await createTestDatabase({ empty: true });
    const dataDir = await mkdtemp(join(tmpdir(), 'heddle-plan-'));
    const config = configSchema.parse({
      ...{ dataDir, replica: 'test', database: { url: database.url, pool: 4 } },
      ...{ rest: { port: 0 }, xds: { port: 0 }, log: { level: 'silent' } },
      telemetry: { collector: ports.collectorEntry === undefined ? 'off' : 'process' },
    });
    const running = await startControlPlane(config, { ...ports, ...(policies && { policies }) });
    const server = new PlanServer(dataDir, database, running, '');
    const once = readFileSync(running.adminTokenFile ?? '', 'utf8').trim();
    const { body } = await server.call('POST', '/api/v1/login/exchange', { token: once, name: 'alice' });
    server.token = body.token;
    return server;
  }

  get requestCounts(): RequestCounts {
    return this.running.requestCounts;
  }

  get collectorPid(): number | undefined {
    return this.running.collectorPid();
  }

  async stop(): Promise<void> {
    await this.running.stop();
    await this.database.drop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** @param options.token of somebody else */
  async call(
    method: string,
    path: string,
    body?: unknown,
    options: { readonly token?: string; readonly key?: string } = {},
  ): Promise<Answer> {
    const token = options.token ?? this.token;
    const headers = options.key === undefined ? {} : { 'idempotency-key': options.key };
    const request = jsonRequest({ method, token, body, headers });
    const response = await fetch(`${this.running.restUrl}${path}`, request);
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** The answer to a question whose answer is no JSON. */
  async text(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const response = await fetch(`${this.running.restUrl}${path}`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    return { status: response.status, body: await response.text() };
  }

  async tokenOf(name: string, role: string): Promise<string> {
    const { body } = await this.call('POST', '/api/v1/tokens', { name, role, ttlDays: 1 });
    return body.token;
  }

  /** @throws Error when it is refused */
  async apply(...manifests: readonly unknown[]): Promise<string> {
    const { status, body } = await this.call('POST', `${MESH}/apply`, { manifests });
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body.change;
  }

  /** @throws Error when it is refused */
  async plan(request: Readonly<Record<string, unknown>>): Promise<Plan> {
    const { status, body } = await this.call('POST', `${MESH}/plan`, request);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body;
  }

  applyPlan(plan: Pick<Plan, 'id'>, options: { readonly key?: string; readonly token?: string } = {}): Promise<Answer> {
    return this.call('POST', `${MESH}/apply`, { plan: plan.id }, options);
  }

  /** Registers an instance that is not ready, of the workload of its name. */
  join(name: string): Promise<Answer> {
    const number = Number(/\d+$/.exec(name)?.[0] ?? 1);
    return this.call('PUT', `${MESH}/namespaces/shop/instances/${name}`, {
      workload: name.replace(/-\d+$/, ''),
      bind: { address: `192.0.2.${number}`, ports: { http: 8080 } },
      app: { address: '127.0.0.1', ports: { http: 8080 } },
      outbound: { address: `127.1.${number}.1`, httpPort: 15001 },
    });
  }

  /** Something that only the database can do. */
  async sql(text: string): Promise<void> {
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    await client.query(text);
    await client.end();
  }
}

export const service = (name: string, spec: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ name: 'http', port: 8080 }], ...spec },
});

export const timeout = (name: string, request: string, target = name) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'TimeoutPolicy',
  metadata: { name, namespace: 'shop' },
  spec: { targetRef: { kind: 'Service', name: target }, request },
});

export const access = (name: string, target = name) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'shop' },
  spec: {
    targetRef: { kind: 'Service', name: target },
    action: 'ALLOW',
    rules: [{ from: [{ workloads: ['shop/web'] }] }],
  },
});

/** A route that sends /v2 of a service to another one. */
export const v2 = (name: string, to: string) => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name, namespace: 'shop' },
  spec: {
    parentRefs: [{ group: 'heddle.dev', kind: 'Service', name }],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/v2' } }],
        backendRefs: [{ group: 'heddle.dev', kind: 'Service', name: to, port: 8080 }],
      },
      { backendRefs: [{ group: 'heddle.dev', kind: 'Service', name, port: 8080 }] },
    ],
  },
});

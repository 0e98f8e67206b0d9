/** A control plane in this process with a collector of its own, and what that has left. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEnvoy } from '#libs/launcher';
import type { EdgeCell, FailureRecord, InstanceCell, ReportSink, ZoneCell } from '#libs/telemetry';
import { type MeshAccess, MeshSidecar, meshAccess } from '../../apps/demo/src/mesh-sidecar.js';
import { HTTP_PORT, OUTBOUND_HTTP_PORT } from '../../apps/demo/src/topology.js';
import { PlanServer } from '../plan/server.js';
import { type Answer, exchange } from './mesh.js';

/** As compiled by `npm run build`. */
const WORKER = join(import.meta.dirname, '../../dist/test/mesh/harvest-worker.js');

type Summarised<Cell> = Omit<Cell, 'latencies'> & {
  readonly latencies: { readonly count: number; readonly p50: number };
};

/** A harvest as the worker of tests writes it down. */
export interface Harvested {
  readonly mesh: string;
  readonly source: string;
  readonly edges: readonly Summarised<EdgeCell>[];
  readonly instances: readonly Summarised<InstanceCell>[];
  readonly zones: readonly Summarised<ZoneCell>[];
  readonly failures: readonly FailureRecord[];
}

export interface JoinPlan {
  readonly workload: string;
  /** 1 to 50, for its addresses. */
  readonly index: number;
  readonly version: string;
  /** Of its Envoy; default 1.40.0. */
  readonly envoy?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** undefined: nobody listens behind the sidecar. */
  readonly application?: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
}

export const service = (name: string): object => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ name: 'http', port: HTTP_PORT, protocol: 'http' }] },
});

export class HarvestRig {
  readonly #sidecars: MeshSidecar[] = [];
  readonly #applications: Server[] = [];
  #stopped: Promise<void> | undefined;

  private constructor(
    readonly server: PlanServer,
    readonly access: MeshAccess,
    private readonly dir: string,
  ) {}

  /** @param collect takes what sidecars report in place of the collector */
  static async start(collect?: ReportSink): Promise<HarvestRig> {
    const dir = mkdtempSync(join(tmpdir(), 'heddle-harvest-'));
    process.env['HEDDLE_TEST_HARVESTS'] = join(dir, 'harvests');
    const server = await PlanServer.start(undefined, collect ? { collect } : { collectorEntry: WORKER });
    const request = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
      const answer = await server.call(method, path, body);
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
      return answer.body as T;
    };
    return new HarvestRig(server, await meshAccess({ request }, { dir, envoy: '' }), dir);
  }

  /** Ends the control plane in good order. What was harvested can still be read. */
  stopServer(): Promise<void> {
    this.#stopped ??= this.server.stop();
    return this.#stopped;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sidecars.map((sidecar) => sidecar.stop()));
    for (const application of this.#applications) application.close().closeAllConnections();
    await this.stopServer();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Everything that was written so far. */
  get harvests(): readonly Harvested[] {
    const file = join(this.dir, 'harvests');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Harvested);
  }

  /** All of it as text: what is not in it was not kept. */
  get text(): string {
    return readFileSync(join(this.dir, 'harvests'), 'utf8');
  }

  async join({ workload, index, version, envoy = '1.40.0', labels = {}, application }: JoinPlan): Promise<MeshSidecar> {
    const plan = {
      ...{ name: `${workload}-${index}`, workload, labels: { app: workload, version, ...labels } },
      ...{ ports: { http: HTTP_PORT }, maxRegexProgram: 1000 },
      ...{ bind: `127.0.44.${index}`, app: `127.0.34.${index}`, outbound: `127.${90 + index}.0.1` },
    };
    if (application) {
      const server = createServer(application);
      this.#applications.push(server);
      await once(server.listen(HTTP_PORT, plan.app), 'listening');
    }
    const sidecar = new MeshSidecar(plan, { ...this.access, envoy: (await findEnvoy({ version: envoy })).path });
    this.#sidecars.push(sidecar);
    await sidecar.register();
    await sidecar.start();
    return sidecar;
  }

  async call(from: MeshSidecar, host: string, path = '/', headers: readonly string[] = []): Promise<Answer> {
    // An Envoy before 1.38 has a listener for each service instead of the shared port.
    const own = await from.listenerAddress(`outbound/shop/${host}/${HTTP_PORT}`);
    const [address = '', port] = (own ?? `${from.plan.outbound}:${OUTBOUND_HTTP_PORT}`).split(':');
    return exchange(connect(Number(port), address), [
      ...[`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close'],
      ...headers,
    ]);
  }

  async metric(name: string): Promise<number> {
    const { body } = await this.server.text('/metrics');
    const lines = body.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }
}

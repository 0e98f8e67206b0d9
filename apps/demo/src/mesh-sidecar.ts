import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodeId } from '#libs/kernel';
import {
  freePort,
  METRICS_DETAILS,
  Sidecar,
  type SocketAddress,
  writeSidecarFiles,
  type XdsEndpoint,
} from '#libs/launcher';
import type { ControlPlane } from './control-plane.js';
import { MESH, NAMESPACE, OUTBOUND_HTTP_PORT } from './topology.js';

/** How long a machine under full load may take until Envoy has its first configuration. */
const READY_MS = 300_000;
/** Nobody wants to wait for what sidecars have counted. */
const REPORT_MS = 1_000;

/** Who an instance is, and its addresses on this machine. */
export interface InstancePlan {
  readonly name: string;
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Ports by name; the sidecar listens on them at `bind`, the application at `app`. */
  readonly ports: Readonly<Record<string, number>>;
  readonly bind: string;
  /** Name of the machine; default: the bind address. */
  readonly host?: string;
  readonly app: string;
  /** First address of the sidecar's own /16 for outgoing calls. */
  readonly outbound: string;
  /** RE2 program size from which this sidecar's Envoy refuses a regular expression. */
  readonly maxRegexProgram: number;
  /** Prefixes of further statistics that it keeps. */
  readonly extraStats?: readonly string[];
  /** Where Prometheus may read its statistics, at `bind`; default nowhere. */
  readonly metricsPort?: number;
  /** How often it reports what it has counted; default 1000, 0 = never. Milliseconds. */
  readonly reportIntervalMs?: number;
}

export interface MeshAccess {
  readonly controlPlane: Pick<ControlPlane, 'request'>;
  /** Path of the Envoy to start. */
  readonly envoy: string;
  readonly xds: XdsEndpoint;
  readonly caPem: string;
  /** Folder for this run's files. */
  readonly dir: string;
}

/** What a sidecar needs to know of its control plane; asks it. */
export async function meshAccess(
  controlPlane: Pick<ControlPlane, 'request'>,
  run: { readonly dir: string; readonly envoy: string },
): Promise<MeshAccess> {
  const answer = await controlPlane.request<{ xds: XdsEndpoint; caPem: string }>('GET', '/api/v1/bootstrap');
  return { ...run, controlPlane, xds: answer.xds, caPem: answer.caPem };
}

/** An instance in the mesh and the stock Envoy that serves it; the application is somebody else's matter. */
export class MeshSidecar {
  #sidecar: Sidecar | undefined;
  #token = '';

  constructor(
    readonly plan: InstancePlan,
    private readonly mesh: MeshAccess,
  ) {}

  /** Registers the instance: callers learn of it once its Envoy is there too. */
  async register(): Promise<void> {
    const { bind, app, ports, labels, workload, outbound, metricsPort, host = bind } = this.plan;
    await this.mesh.controlPlane.request('PUT', this.path, {
      workload,
      labels,
      bind: { address: bind, ports },
      app: { address: app, ports },
      outbound: { address: outbound, httpPort: OUTBOUND_HTTP_PORT },
      host,
      ...(metricsPort ? { metrics: { port: metricsPort, details: METRICS_DETAILS } } : {}),
    });
  }

  /** Asks for a token and starts Envoy; resolves when it has its configuration. */
  async start(): Promise<void> {
    this.#token = await this.newToken();
    await this.restart();
  }

  /** Starts Envoy with the token that it had, as a supervisor does: nothing but the xDS port is needed. */
  async restart(): Promise<void> {
    const { plan, mesh } = this;
    const dir = join(mesh.dir, plan.name);
    mkdirSync(dir, { recursive: true });
    const admin: SocketAddress = { address: '127.0.0.1', port: await freePort() };
    const identity = { mesh: MESH, namespace: NAMESPACE, workload: plan.workload, instance: plan.name };
    const files = await writeSidecarFiles(dir, {
      identity,
      admin,
      xds: mesh.xds,
      caPem: mesh.caPem,
      token: this.#token,
      re2MaxProgramSize: plan.maxRegexProgram,
      extraStats: plan.extraStats ?? [],
      reportIntervalMs: plan.reportIntervalMs ?? REPORT_MS,
      ...(plan.metricsPort ? { metrics: { address: plan.bind, port: plan.metricsPort } } : {}),
    });
    this.#sidecar = await Sidecar.start({
      envoy: mesh.envoy,
      bootstrap: files.bootstrap,
      admin,
      id: nodeId(identity),
      logFile: join(mesh.dir, `${plan.name}-envoy.log`),
    });
    await this.#sidecar.ready(READY_MS);
  }

  /** Leaves well: out of every endpoint list, then every caller's ACK, then the running requests, then Envoy. */
  async leave(): Promise<{ readonly acked: boolean }> {
    const answer = await this.mesh.controlPlane.request<{ acked: boolean }>('DELETE', `${this.path}?wait=5`);
    await this.#sidecar?.drained(30_000);
    await this.stop();
    return answer;
  }

  async stop(): Promise<void> {
    await this.#sidecar?.stop();
  }

  /** Ends Envoy like a crash of the machine. */
  async kill(): Promise<void> {
    await this.#sidecar?.kill();
  }

  async stats(filter: string): Promise<ReadonlyMap<string, number>> {
    return (await this.#sidecar?.stats(filter)) ?? new Map();
  }

  async stat(name: string): Promise<number> {
    return (await this.stats(`^${name}$`)).get(name) ?? 0;
  }

  /** Body of a page of Envoy's admin interface; '' before it was started. */
  async adminPage(path: string): Promise<string> {
    return (await this.#sidecar?.admin.get(path)) ?? '';
  }

  /** Where this sidecar listens for calls to a service port, `127.101.0.5:9090`; undefined until it does. */
  async listenerAddress(name: string): Promise<string | undefined> {
    const lines = ((await this.#sidecar?.admin.get('/listeners')) ?? '').split('\n');
    return lines.find((line) => line.startsWith(`${name}::`))?.slice(name.length + 2);
  }

  private get path(): string {
    return `/api/v1/meshes/${MESH}/namespaces/${NAMESPACE}/instances/${this.plan.name}`;
  }

  private async newToken(): Promise<string> {
    const { workload, name: instance, labels } = this.plan;
    const answer = await this.mesh.controlPlane.request<{ token: string }>(
      'POST',
      `/api/v1/meshes/${MESH}/namespaces/${NAMESPACE}/proxy-tokens`,
      { workload, instance, labels, addresses: ['127.0.0.0/8'] },
    );
    return answer.token;
  }
}

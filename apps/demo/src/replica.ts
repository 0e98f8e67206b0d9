import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodeId } from '#libs/kernel';
import {
  endWithParent,
  freePort,
  Sidecar,
  type SocketAddress,
  writeSidecarFiles,
  type XdsEndpoint,
} from '#libs/launcher';
import type { ControlPlane } from './control-plane.js';
import { DemoFailure, until } from './narrator.js';
import {
  appAddress,
  bindAddress,
  GRPC_PORT,
  HTTP_PORT,
  MESH,
  NAMESPACE,
  OUTBOUND_HTTP_PORT,
  outboundAddress,
  type ReplicaPlan,
} from './topology.js';

export interface ReplicaContext {
  readonly controlPlane: ControlPlane;
  /** The program of the shop's services. */
  readonly shopEntry: string;
  readonly envoy: string;
  readonly xds: XdsEndpoint;
  readonly caPem: string;
  /** Folder for this run's files. */
  readonly dir: string;
  /** Where the sidecar of the orders service listens for calls to payments over gRPC, once that is known. */
  readonly grpcTarget: (replica: ReplicaPlan) => Promise<string>;
}

/** One copy of a service with its own stock Envoy beside it. */
export class Replica {
  #app: ChildProcess | undefined;
  #sidecar: Sidecar | undefined;

  constructor(
    readonly plan: ReplicaPlan,
    private readonly context: ReplicaContext,
  ) {}

  /** Registers the instance, starts application and Envoy; resolves when Envoy has its configuration. */
  async start(): Promise<void> {
    await this.context.controlPlane.request('PUT', this.path, this.registration());
    this.#app = await this.startApp();
    await this.appReady();
    this.#sidecar = await this.startSidecar();
    await this.#sidecar.ready(300_000);
  }

  /**
   * Leaves well: out of every endpoint list, then every caller's ACK, then the running requests, then Envoy, then the
   * application.
   */
  async leave(): Promise<{ readonly acked: boolean }> {
    const answer = await this.context.controlPlane.request<{ acked: boolean }>('DELETE', `${this.path}?wait=5`);
    await this.#sidecar?.drained(30_000);
    await this.#sidecar?.stop();
    this.#app?.kill('SIGTERM');
    return answer;
  }

  /** Ends application and Envoy like a crash of the machine. */
  async kill(): Promise<void> {
    this.#app?.kill('SIGKILL');
    await this.#sidecar?.kill();
  }

  async stop(): Promise<void> {
    await this.#sidecar?.stop();
    this.#app?.kill('SIGTERM');
  }

  async stats(filter: string): Promise<ReadonlyMap<string, number>> {
    return (await this.#sidecar?.stats(filter)) ?? new Map();
  }

  /** Where this sidecar listens for calls to a service port, `127.101.0.5:9090`; undefined until it does. */
  async listenerAddress(name: string): Promise<string | undefined> {
    const lines = ((await this.#sidecar?.admin.get('/listeners')) ?? '').split('\n');
    return lines.find((line) => line.startsWith(`${name}::`))?.slice(name.length + 2);
  }

  async stat(name: string): Promise<number> {
    return (await this.stats(`^${name}$`)).get(name) ?? 0;
  }

  private get path(): string {
    return `/api/v1/meshes/${MESH}/namespaces/${NAMESPACE}/instances/${this.plan.name}`;
  }

  private registration(): unknown {
    const ports = this.plan.service === 'payments' ? { http: HTTP_PORT, grpc: GRPC_PORT } : { http: HTTP_PORT };
    return {
      workload: this.plan.workload,
      labels: { app: this.plan.service, version: this.plan.version },
      bind: { address: bindAddress(this.plan), ports },
      app: { address: appAddress(this.plan), ports },
      outbound: { address: outboundAddress(this.plan), httpPort: OUTBOUND_HTTP_PORT },
      host: bindAddress(this.plan),
    };
  }

  private async startApp(): Promise<ChildProcess> {
    const { plan, context } = this;
    const flags = [
      ...['--service', plan.service, '--version', plan.version, '--instance', plan.name],
      ...['--address', appAddress(plan), '--http-port', String(HTTP_PORT)],
      ...(plan.service === 'payments' ? ['--grpc-port', String(GRPC_PORT)] : []),
      ...['--outbound', `${outboundAddress(plan)}:${OUTBOUND_HTTP_PORT}`],
      ...(plan.service === 'orders' ? ['--grpc-target', await context.grpcTarget(plan)] : []),
    ];
    const child = spawn(process.execPath, [context.shopEntry, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    endWithParent(child);
    const log = createWriteStream(join(context.dir, `${plan.name}.log`), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    return child;
  }

  private async startSidecar(): Promise<Sidecar> {
    const { plan, context } = this;
    const dir = join(context.dir, plan.name);
    mkdirSync(dir, { recursive: true });
    const admin: SocketAddress = { address: '127.0.0.1', port: await freePort() };
    const identity = { mesh: MESH, namespace: NAMESPACE, workload: plan.workload, instance: plan.name };
    const files = await writeSidecarFiles(dir, {
      identity,
      admin,
      xds: context.xds,
      caPem: context.caPem,
      token: await this.token(),
      re2MaxProgramSize: plan.maxRegexProgram,
    });
    return Sidecar.start({
      envoy: context.envoy,
      bootstrap: files.bootstrap,
      admin,
      id: nodeId(identity),
      logFile: join(context.dir, `${plan.name}-envoy.log`),
    });
  }

  private async token(): Promise<string> {
    const body = {
      workload: this.plan.workload,
      instance: this.plan.name,
      labels: { app: this.plan.service, version: this.plan.version },
      addresses: ['127.0.0.0/8'],
    };
    const answer = await this.context.controlPlane.request<{ token: string }>(
      'POST',
      `/api/v1/meshes/${MESH}/namespaces/${NAMESPACE}/proxy-tokens`,
      body,
    );
    return answer.token;
  }

  /** Waits until the application itself answers. */
  private async appReady(): Promise<void> {
    await until(`${this.plan.name} answers`, 300_000, async () => {
      if (this.#app?.exitCode !== null)
        throw new DemoFailure(`${this.plan.name} ended with code ${this.#app?.exitCode}`);
      return (await fetch(`http://${appAddress(this.plan)}:${HTTP_PORT}/healthz`)).ok;
    });
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { endWithParent } from '#libs/launcher';
import { type InstancePlan, type MeshAccess, MeshSidecar } from './mesh-sidecar.js';
import { DemoFailure, until } from './narrator.js';
import {
  appAddress,
  bindAddress,
  GRPC_PORT,
  HTTP_PORT,
  OUTBOUND_HTTP_PORT,
  outboundAddress,
  type ReplicaPlan,
} from './topology.js';

export interface ReplicaContext extends MeshAccess {
  /** The program of the shop's services. */
  readonly shopEntry: string;
  /** Where the sidecar of the orders service listens for calls to payments over gRPC, once that is known. */
  readonly grpcTarget: (replica: ReplicaPlan) => Promise<string>;
}

const instanceOf = (plan: ReplicaPlan): InstancePlan => ({
  name: plan.name,
  workload: plan.workload,
  labels: { app: plan.service, version: plan.version },
  ports: plan.service === 'payments' ? { http: HTTP_PORT, grpc: GRPC_PORT } : { http: HTTP_PORT },
  bind: bindAddress(plan),
  host: plan.host,
  app: appAddress(plan),
  outbound: outboundAddress(plan),
  maxRegexProgram: plan.maxRegexProgram,
});

/** One copy of a service of the shop with its own stock Envoy beside it. */
export class Replica {
  readonly sidecar: MeshSidecar;
  #app: ChildProcess | undefined;

  constructor(
    readonly plan: ReplicaPlan,
    private readonly context: ReplicaContext,
  ) {
    this.sidecar = new MeshSidecar(instanceOf(plan), context);
  }

  /** Registers the instance, starts application and Envoy; resolves when Envoy has its configuration. */
  async start(): Promise<void> {
    await this.sidecar.register();
    this.#app = await this.startApp();
    await this.appReady();
    await this.sidecar.start();
  }

  /** The sidecar leaves well, then the application goes. */
  async leave(): Promise<{ readonly acked: boolean }> {
    const answer = await this.sidecar.leave();
    this.#app?.kill('SIGTERM');
    return answer;
  }

  /** The application alone is gone; its Envoy stays. */
  async stopApp(): Promise<void> {
    const app = this.#app;
    if (!app || app.exitCode !== null) return;
    const ended = once(app, 'exit');
    app.kill('SIGKILL');
    await ended;
  }

  async restartApp(): Promise<void> {
    this.#app = await this.startApp();
    await this.appReady();
  }

  /** Ends application and Envoy like a crash of the machine. */
  async kill(): Promise<void> {
    this.#app?.kill('SIGKILL');
    await this.sidecar.kill();
  }

  async stop(): Promise<void> {
    await this.sidecar.stop();
    this.#app?.kill('SIGTERM');
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

  /** Waits until the application itself answers. */
  private async appReady(): Promise<void> {
    await until(`${this.plan.name} answers`, 300_000, async () => {
      if (this.#app?.exitCode !== null)
        throw new DemoFailure(`${this.plan.name} ended with code ${this.#app?.exitCode}`);
      return (await fetch(`http://${appAddress(this.plan)}:${HTTP_PORT}/healthz`)).ok;
    });
  }
}

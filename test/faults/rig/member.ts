import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import type { XdsEndpoint } from '#libs/launcher';
import { type InstancePlan, type MeshAccess, MeshSidecar } from '../../../apps/demo/src/mesh-sidecar.js';
import { createApplication } from '../../../libs/testing/src/application/index.js';
import { FaultProxy } from '../../../libs/testing/src/faults/index.js';
import type { Replica } from './replica.js';

export const HTTP_PORT = 8080;
const SLOTS = 20;
const PER_SLOT = 4;

/** Loopback addresses for the members of one rig, held so that no other rig of the machine takes them. */
export class AddressSlot {
  private constructor(
    readonly number: number,
    private readonly lock: TcpServer,
  ) {}

  static async take(): Promise<AddressSlot> {
    for (let n = 0; n < SLOTS; n++) {
      const lock = createTcpServer();
      lock.listen({ host: `127.0.${60 + n}.250`, port: HTTP_PORT, exclusive: true });
      const taken = await new Promise<boolean>((resolve) => {
        lock.once('listening', () => resolve(true));
        lock.once('error', () => resolve(false));
      });
      if (taken) return new AddressSlot(n, lock);
    }
    throw new Error(`${SLOTS} rigs run on this machine already`);
  }

  /** @param index 1 to 4 */
  plan(workload: string, index: number): InstancePlan {
    return {
      name: `${workload}-${index}`,
      workload,
      labels: { app: workload },
      ports: { http: HTTP_PORT },
      bind: `127.0.${60 + this.number}.${index}`,
      app: `127.0.${80 + this.number}.${index}`,
      outbound: `127.${120 + this.number * PER_SLOT + index - 1}.0.1`,
      maxRegexProgram: 1000,
      // What was sent to it is counted there.
      extraStats: ['cluster.', 'http.'],
    };
  }

  free(): void {
    this.lock.close();
  }
}

/** An application, its stock Envoy, and that Envoy's way to the replicas, which can fail. */
export class Member {
  private constructor(
    readonly sidecar: MeshSidecar,
    /** Between this Envoy and the replicas: the first that takes a connection, in the order of `prefers`. */
    readonly wire: FaultProxy,
    private readonly app: Server,
    private readonly order: { replicas: readonly Replica[] },
  ) {}

  /** Registers the instance and starts its application, but not its Envoy. */
  static async join(
    plan: InstancePlan,
    access: Omit<MeshAccess, 'xds'> & { xds: XdsEndpoint },
    replicas: readonly Replica[],
  ): Promise<Member> {
    const order = { replicas };
    const targets = () => order.replicas.map((replica) => ({ host: '127.0.0.1', port: replica.xdsPort }));
    const wire = await FaultProxy.start({ targets });
    const app = createApplication((_request, response) => response.end(plan.name));
    app.listen(HTTP_PORT, plan.app);
    await once(app, 'listening');
    const xds = { ...access.xds, address: '127.0.0.1', port: wire.port };
    const member = new Member(new MeshSidecar(plan, { ...access, xds }), wire, app, order);
    await member.sidecar.register();
    return member;
  }

  get name(): string {
    return this.sidecar.plan.name;
  }

  /** `node.id` */
  get identity(): string {
    const { workload, name } = this.sidecar.plan;
    return `default/shop/${workload}/${name}`;
  }

  /** From now on new streams go to the first of these that takes them. */
  prefers(...replicas: readonly Replica[]): void {
    this.order.replicas = replicas;
  }

  /** Moves the stream: the present one is reset, Envoy opens the next to the first of these. */
  moveTo(...replicas: readonly Replica[]): void {
    this.prefers(...replicas);
    this.wire.cut();
  }

  /** What Envoy has been sent since it started: accepted and refused updates, and what was taken away. */
  async updates(): Promise<ReadonlyMap<string, number>> {
    return this.sidecar.stats(
      '(^|\\.)(cds|lds|srds|rds|sds|cluster_manager|listener_manager)\\.?.*(update_success|update_rejected|cluster_removed|listener_removed|listener_modified|cluster_modified|config_reload)$|\\.update_success$',
    );
  }

  async close(): Promise<void> {
    await this.sidecar.stop();
    this.app.close().closeAllConnections();
    await this.wire.stop();
  }
}

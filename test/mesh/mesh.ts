import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { findEnvoy, freePort } from '#libs/launcher';
import { ControlPlane } from '../../apps/demo/src/control-plane.js';
import { type InstancePlan, type MeshAccess, MeshSidecar, meshAccess } from '../../apps/demo/src/mesh-sidecar.js';
import { until } from '../../apps/demo/src/narrator.js';
import { MESH, NAMESPACE, OUTBOUND_HTTP_PORT } from '../../apps/demo/src/topology.js';
import { createApplication } from '../../libs/testing/src/application/index.js';

/** As compiled by `npm run build`: the control plane is a process of its own, like in real life. */
const MAIN = join(import.meta.dirname, '../../dist/apps/control-plane/src/main.js');
/** A limit only ends what hangs. */
const PATIENCE_MS = 300_000;
export const HTTP_PORT = 8080;

export interface Seen {
  readonly method: string;
  /** As it arrived, after everything the sidecars did to it. */
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** An application that answers its name and keeps what it was asked. */
export interface Member {
  readonly sidecar: MeshSidecar;
  readonly seen: Seen[];
}

export interface Answer {
  /** 0 when the connection ended without an answer. */
  readonly status: number;
  readonly body: string;
}

export interface Applied {
  readonly change: string;
  readonly warnings: readonly { readonly path: string; readonly message: string }[];
}

export interface JoinOptions {
  /** Of its Envoy; default 1.40.0. */
  readonly version?: string | undefined;
  /** Default: `<workload>-1`. */
  readonly name?: string;
  /** Regular expressions of more instructions are refused by its Envoy; default 1000. */
  readonly maxRegexProgram?: number;
  /** By name; default: `http` alone. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Makes the application of one port; default: one that answers the workload's name by HTTP/1.1. */
  readonly application?: (name: string) => NetServer;
  /** Beside `app`, which is its workload. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where Prometheus may read its statistics; default nowhere. */
  readonly metricsPort?: number;
}

/** A real mesh for tests: a control plane, stock Envoys, and applications in this process. */
export class Mesh {
  readonly #members: Member[] = [];
  readonly #ended: (() => void)[] = [];

  private constructor(
    readonly dir: string,
    readonly controlPlane: ControlPlane,
    private readonly access: MeshAccess,
  ) {}

  /** @param settings of the control plane, as environment variables */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<Mesh> {
    const dir = mkdtempSync(join(tmpdir(), 'heddle-mesh-'));
    chmodSync(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
    const dataDir = join(dir, 'data');
    mkdirSync(dataDir);
    const { path: envoy } = await findEnvoy({ version: '1.40.0' });
    const ports = { rest: await freePort(), xds: await freePort() };
    const controlPlane = new ControlPlane(dataDir, ports, MAIN, settings);
    await controlPlane.start();
    await controlPlane.login();
    return new Mesh(dir, controlPlane, await meshAccess(controlPlane, { dir, envoy }));
  }

  /**
   * Puts an instance of the workload into the mesh, on a host of its own.
   * @param index 1 to 50, for its addresses
   */
  async join(workload: string, index: number, options: JoinOptions = {}): Promise<Member> {
    const { version, name = `${workload}-1`, maxRegexProgram = 1000, ports = { http: HTTP_PORT } } = options;
    const { labels, metricsPort = 0 } = options;
    const plan: InstancePlan = {
      name,
      workload,
      labels: { app: workload, ...labels },
      metricsPort,
      ports,
      bind: `127.0.40.${index}`,
      app: `127.0.30.${index}`,
      outbound: `127.${200 + index}.0.1`,
      maxRegexProgram,
    };
    const seen: Seen[] = [];
    await this.#listen(plan, seen, options.application);
    const access = version ? { ...this.access, envoy: (await findEnvoy({ version })).path } : this.access;
    const member = { sidecar: new MeshSidecar(plan, access), seen };
    this.#members.push(member);
    await member.sidecar.register();
    await member.sidecar.start();
    return member;
  }

  /** Applies manifests and waits for the ACK of every Envoy. */
  async apply(text: string): Promise<Applied> {
    const manifests = parseAllDocuments(text).flatMap((document): unknown[] => document.toJS() ?? []);
    const answer = await this.controlPlane.request<Applied>('POST', `/api/v1/meshes/${MESH}/apply`, { manifests });
    await this.delivered(answer.change);
    return answer;
  }

  /** Deletes one resource of the namespace and waits for the ACK of every Envoy. @returns the answer's body */
  async remove(plural: string, name: string): Promise<unknown> {
    const path = `/api/v1/meshes/${MESH}/namespaces/${NAMESPACE}/${plural}/${name}`;
    const answer = await this.controlPlane.request<{ change?: string }>('DELETE', path);
    if (answer?.change) await this.delivered(answer.change);
    return answer;
  }

  async delivered(change: string): Promise<void> {
    await until(`${change} is delivered`, PATIENCE_MS, async () => {
      const path = `/api/v1/meshes/${MESH}/changes/${change}`;
      const { delivery } = await this.controlPlane.request<{ delivery: { state: string } }>('GET', path);
      return delivery.state !== 'Delivering';
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.sidecar.stop()));
    for (const end of this.#ended) end();
    await this.controlPlane.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #listen(
    plan: InstancePlan,
    seen: Seen[],
    application = (name: string) => answering(name, seen),
  ): Promise<void> {
    for (const port of Object.values(plan.ports)) {
      const server = application(plan.workload);
      const open = new Set<Socket>();
      server.on('connection', (socket: Socket) => {
        open.add(socket);
        socket.on('close', () => open.delete(socket));
      });
      this.#ended.push(() => {
        server.close();
        for (const socket of open) socket.destroy();
      });
      server.listen(port, plan.app);
      await once(server, 'listening');
    }
  }
}

function answering(name: string, seen: Seen[]): NetServer {
  return createApplication((request, response) => {
    seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    response.end(name);
  });
}

/** Sends exactly these bytes of a request head to the sidecar of a member, as its application would. */
export function sendRaw(from: Member, request: { path: string; host: string; headers?: string[] }): Promise<Answer> {
  const head = [
    `GET ${request.path} HTTP/1.1`,
    `Host: ${request.host}`,
    'Connection: close',
    ...(request.headers ?? []),
  ];
  return exchange(connect(OUTBOUND_HTTP_PORT, from.sidecar.plan.outbound), head);
}

/** Writes a request head to a connection and reads all that comes back. */
export function exchange(socket: ReturnType<typeof connect>, head: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    let text = '';
    const done = (): void => {
      socket.destroy();
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
      resolve({ status, body: text.slice(text.indexOf('\r\n\r\n') + 4) });
    };
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
    });
    socket.on('error', done);
    socket.on('close', done);
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
  });
}

/** Waits until a call is answered with the status. */
export const untilStatus = (status: number, call: () => Promise<Answer>): Promise<Answer> =>
  until(`an answer ${status}`, PATIENCE_MS, async () => {
    const answer = await call();
    if (answer.status !== status) throw new Error(`${answer.status} ${answer.body}`);
    return answer;
  });

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEnvoy, type XdsEndpoint } from '#libs/launcher';
import { AddressSlot, HTTP_PORT, Member } from './member.js';
import { DENIED_PATH, Prober } from './prober.js';
import { Replica } from './replica.js';
import { DatabaseServer } from './server.js';
import { until } from './until.js';
import { route, service, Writer } from './writer.js';

const OUTBOUND_HTTP_PORT = 15001;

const DENY = {
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'denied', namespace: 'shop' },
  spec: { targetRef: { kind: 'Service', name: 'back' }, action: 'DENY', rules: [{ to: [{ paths: [DENIED_PATH] }] }] },
};

export interface RigOptions {
  /** Control planes; default 2. */
  readonly replicas?: number;
  /** Envoys of the called service; default 1. With the caller's Envoy that is one more. */
  readonly backs?: number;
  /** Settings of Postgres. */
  readonly postgres?: Readonly<Record<string, string>>;
  /** Settings of the control planes, as environment variables. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Build that a replica runs, by its number from 0; undefined = this one. */
  readonly build?: (index: number) => string | undefined;
  /** Where Postgres keeps its data; default a folder of the rig. */
  readonly databaseDir?: string;
}

/**
 * A mesh for faults: control planes as processes over one Postgres, stock Envoys, and a prober through them that never
 * stops. Every way between them is a proxy that can fail. `check.ts` has what must hold after each fault.
 */
export class Rig {
  readonly members: Member[] = [];
  readonly replicas: Replica[] = [];
  token = '';
  caPem = '';
  /** Where proxies connect, as a bootstrap says; each member has its own way there. */
  xds: XdsEndpoint = { address: '127.0.0.1', port: 0, serverName: '' };
  #prober: Prober | undefined;
  #writer: Writer | undefined;

  private constructor(
    readonly dir: string,
    public server: DatabaseServer,
    readonly slot: AddressSlot,
    private readonly options: RigOptions,
  ) {}

  /** A Postgres, and nobody who uses it. */
  static async bare(options: RigOptions = {}): Promise<Rig> {
    const dir = mkdtempSync(join(tmpdir(), 'heddle-faults-'));
    chmodSync(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
    const server = await DatabaseServer.start(options.databaseDir ?? join(dir, 'postgres'), options.postgres);
    return new Rig(dir, server, await AddressSlot.take(), options);
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = await Rig.bare(options);
    try {
      await rig.#startReplicas();
      await rig.#startMembers();
    } catch (error) {
      await rig.stop();
      throw error;
    }
    return rig;
  }

  /** Requests from `front` to `back`, without end. */
  get prober(): Prober {
    if (this.#prober === undefined) throw new Error('the rig has not started');
    return this.#prober;
  }

  get writer(): Writer {
    if (this.#writer === undefined) throw new Error('the rig has not started');
    return this.#writer;
  }

  /** What every Envoy has been told so far. */
  told(): Promise<Awaited<ReturnType<Member['updates']>>[]> {
    return Promise.all(this.members.map((member) => member.updates()));
  }

  /** The replica of a number from 0. */
  replica(index: number): Replica {
    const replica = this.replicas[index];
    if (replica === undefined) throw new Error(`there is no replica ${index}`);
    return replica;
  }

  member(index: number): Member {
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member;
  }

  /** Puts a further replica beside the others; it is not started. */
  async addReplica(
    name: string,
    more: { build?: string; wrapper?: readonly string[]; url?: string } = {},
  ): Promise<Replica> {
    const { build, wrapper, url = this.server.url } = more;
    const { settings } = this.options;
    const replica = await Replica.prepare({ name, dir: this.dir, databaseUrl: url, build, wrapper, settings });
    this.replicas.push(replica);
    return replica;
  }

  /** REST, as admin; asked at the replicas in turn until one answers. @throws Error with the last answer when none does within a minute */
  readonly request = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    let result: T | undefined;
    await until(`${method} ${path}`, 60_000, async () => {
      for (const replica of this.replicas.filter((one) => one.alive && !one.frozen)) {
        const answer = await this.ask(replica, method, path, body);
        if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`);
        result = (answer.text ? JSON.parse(answer.text) : undefined) as T;
        return true;
      }
      return false;
    });
    return result as T;
  };

  /** One request to one replica. */
  async ask(
    replica: Replica,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${replica.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(this.token ? { authorization: `Bearer ${this.token}` } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    return { status: response.status, text: await response.text() };
  }

  /** Sum of a metric over its labels, at one replica. */
  async metric(replica: Replica, name: string): Promise<number> {
    const { text } = await this.ask(replica, 'GET', '/metrics');
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** The invariants of history are judged by this server from now on; the one before ends. */
  async takeOver(server: DatabaseServer): Promise<void> {
    await this.server.stop();
    this.server = server;
  }

  /** Ends every fault of the ways and of standing still; what was killed stays dead. */
  heal(): void {
    for (const replica of this.replicas) {
      replica.thaw();
      replica.database.heal();
    }
    for (const { wire } of this.members) wire.heal();
  }

  async stop(): Promise<void> {
    await this.#writer?.end();
    await this.#prober?.stop();
    this.heal();
    await Promise.all(this.members.map((member) => member.close()));
    await Promise.all(this.replicas.map((replica) => replica.close()));
    await this.server.stop();
    this.slot.free();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #startReplicas(): Promise<void> {
    const { replicas = 2, build = () => undefined } = this.options;
    for (let n = 0; n < replicas; n++) {
      const path = build(n);
      await this.addReplica('abc'.charAt(n), path === undefined ? {} : { build: path });
    }
    // The first makes the key that all share.
    await this.replica(0).start();
    await Promise.all(this.replicas.slice(1).map((replica) => replica.start()));
    const once = readFileSync(join(this.replica(0).dataDir, 'admin-token'), 'utf8').trim();
    const answer = await this.request<{ token: string }>('POST', '/api/v1/login/exchange', {
      token: once,
      name: 'faults',
    });
    this.token = answer.token;
    const bootstrap = await this.request<{ xds: XdsEndpoint; caPem: string }>('GET', '/api/v1/bootstrap');
    this.caPem = bootstrap.caPem;
    this.xds = bootstrap.xds;
  }

  async #startMembers(): Promise<void> {
    const manifests = [service('front'), service('back'), DENY, route(0)];
    await this.request('POST', '/api/v1/meshes/default/apply', { manifests });
    const { path: envoy } = await findEnvoy({ version: '1.40.0' });
    mkdirSync(join(this.dir, 'sidecars'));
    const access = {
      controlPlane: { request: this.request },
      envoy,
      xds: this.xds,
      caPem: this.caPem,
      dir: join(this.dir, 'sidecars'),
    };
    const workloads = ['front', ...Array.from({ length: this.options.backs ?? 1 }, () => 'back')];
    for (const [index, workload] of workloads.entries()) {
      // Each prefers another replica, so that every replica has streams.
      const order = this.replicas.map((_, n) => this.replica((n + index) % this.replicas.length));
      this.members.push(await Member.join(this.slot.plan(workload, index + 1), access, order));
    }
    await Promise.all(this.members.map((member) => member.sidecar.start()));
    this.#writer = new Writer(() => this.replicas, this.token);
    const target = {
      host: this.member(0).sidecar.plan.outbound,
      port: OUTBOUND_HTTP_PORT,
      authority: `back:${HTTP_PORT}`,
    };
    this.#prober = new Prober(target);
    this.#prober.pause(true);
    await until('requests pass', 60_000, async () => (await this.prober.ask()).status === 200);
    await until('the policy denies', 60_000, async () => (await this.prober.ask(DENIED_PATH)).status === 403);
    this.#prober.pause(false);
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endWithParent, freePort } from '#libs/launcher';
import { FaultProxy } from '../../../libs/testing/src/faults/index.js';
import { until } from './until.js';

/** As compiled by `npm run build`. */
const HERE = import.meta.dirname;
export const OWN_BUILD = join(HERE, HERE.includes('/dist/test/') ? '../../..' : '../../../dist');

export interface ReplicaOptions {
  readonly name: string;
  /** Folder of the rig. */
  readonly dir: string;
  /** Postgres, without a proxy. */
  readonly databaseUrl: string;
  /** Folder of the build to run: `dist` of this checkout by default. */
  readonly build?: string | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** What the process is started by: `[program, ...arguments]`, before Node; default nothing. */
  readonly wrapper?: readonly string[] | undefined;
}

/** A control plane as a process, with a way to Postgres of its own that can fail. */
export class Replica {
  #child: ChildProcess | undefined;
  /** How it ended, when nobody has asked for that. */
  #unasked: string | undefined;
  #frozen = false;

  private constructor(
    private readonly options: ReplicaOptions,
    /** Between this replica and Postgres. */
    readonly database: FaultProxy,
    private readonly way: { url: string },
    private readonly ports: { readonly rest: number; readonly xds: number },
  ) {}

  static async prepare(options: ReplicaOptions): Promise<Replica> {
    const way = { url: options.databaseUrl };
    const targets = () => {
      const { hostname, port } = new URL(way.url);
      return [{ host: hostname, port: Number(port) }];
    };
    const database = await FaultProxy.start({ targets });
    mkdirSync(join(options.dir, options.name), { recursive: true });
    return new Replica(options, database, way, { rest: await freePort(), xds: await freePort() });
  }

  get restPort(): number {
    return this.ports.rest;
  }

  get xdsPort(): number {
    return this.ports.xds;
  }

  /** The name under which Postgres is known leads to another server from now on. */
  leadTo(url: string): void {
    this.way.url = url;
    this.database.cut();
  }

  get name(): string {
    return this.options.name;
  }

  get url(): string {
    return `http://127.0.0.1:${this.restPort}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Process ids of the collectors that it has started: one, or none while one is started again. */
  collectors(): readonly number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').split(' ');
    return children.filter((pid) => pid.trim() !== '').map(Number);
  }

  get alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** I10: how it ended by itself; undefined when it did not. */
  get unasked(): string | undefined {
    return this.#unasked;
  }

  get dataDir(): string {
    return join(this.options.dir, this.name, 'data');
  }

  get logFile(): string {
    return join(this.options.dir, this.name, 'log');
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** Starts the process; it may take a while until it is ready. */
  launch(flags: readonly string[] = []): void {
    const { dir, name, databaseUrl, build = OWN_BUILD, settings = {}, wrapper = [] } = this.options;
    const [program = '', ...args] = [
      ...wrapper,
      process.execPath,
      join(build, 'apps/control-plane/src/main.js'),
      ...['--data-dir', this.dataDir, '--replica', name, '--key-file', join(dir, 'key')],
      ...['--rest-port', String(this.restPort), '--xds-port', String(this.xdsPort)],
      ...flags,
    ];
    const env = { ...process.env, HEDDLE_DATABASE_URL: this.database.urlOf(databaseUrl), ...settings };
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    endWithParent(child);
    this.#child = child;
    this.#unasked = undefined;
    const log = createWriteStream(this.logFile, { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('exit', (code, signal) => {
      this.#unasked = `${name} ended with ${signal ?? code}`;
    });
  }

  /** @throws when it ends instead */
  async ready(): Promise<void> {
    await until(`${this.name} is ready`, 120_000, async () => !this.alive || (await this.answersReady()));
    if (!this.alive) throw new Error(`${this.#unasked}:\n${this.log().split('\n').slice(-5).join('\n')}`);
  }

  async start(flags: readonly string[] = []): Promise<void> {
    this.launch(flags);
    await this.ready();
  }

  /** `readyz`; false too when nobody answers. @param path `/readyz` (proxies) or `/readyz/api` (writes) */
  async answersReady(path = '/readyz'): Promise<boolean> {
    try {
      return (await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(3_000) })).ok;
    } catch {
      return false;
    }
  }

  /** Its exit code, once it has ended; null when a signal ended it. */
  async ended(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    if (this.alive) await once(child, 'exit');
    this.#unasked = undefined;
    return child.exitCode;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.#end('SIGTERM');
  }

  /** The process stands still: its sockets stay open and nobody answers. */
  freeze(): void {
    this.#frozen = true;
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.#frozen && this.alive) process.kill(this.pid, 'SIGCONT');
    this.#frozen = false;
  }

  /** Resident memory in MB; 0 when it does not run. */
  residentMb(): number {
    if (!this.alive) return 0;
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.database.stop();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.alive) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    if (signal === 'SIGKILL') this.#frozen = false;
    await gone;
    this.#unasked = undefined;
  }
}

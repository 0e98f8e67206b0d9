import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '#libs/kernel';
import { codeOf } from '../errors.js';
import { StoreClient } from '../session.js';
import type { Account } from './account.js';
import type { Binaries } from './binaries.js';
import { clusterDirectory, SUPERUSER } from './cluster.js';
import { EmbeddedPostgresError } from './error.js';

const DATABASE = 'heddle';
const DUPLICATE_DATABASE = '42P04';
const KEPT_LINES = 20;
const READY_WAIT_MS = 60_000;
const STOP_WAIT_MS = 15_000;
/** Backends of a postmaster that was killed need a moment to notice; until then its memory block blocks a new one. */
const ORPHANS = /pre-existing shared memory block/;
const ORPHAN_TRIES = 50;

export interface ServerOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly password: string;
  readonly fsync: boolean;
  readonly settings: Readonly<Record<string, string>>;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  readonly log: Log;
}

function serverArguments(options: ServerOptions): string[] {
  const safe = options.fsync ? 'on' : 'off';
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    max_connections: '100',
    password_encryption: 'scram-sha-256',
    fsync: safe,
    synchronous_commit: safe,
    full_page_writes: safe,
    ...options.settings,
  };
  return [
    '-D',
    clusterDirectory(options.dataDir),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

/** The `postgres` process, and its last words. */
export class Server {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exit: Promise<unknown>;
  #stopping = false;

  constructor(private readonly options: ServerOptions) {
    const { account, binaries } = options;
    const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid };
    this.#child = spawn(binaries.postgres, serverArguments(options), {
      ...identity,
      cwd: '/',
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe'],
      // A session of its own: Ctrl-C in the terminal is ours, and Postgres goes down after us.
      detached: true,
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#keep(chunk.toString()));
    this.#exit = once(this.#child, 'close');
    this.#exit.then(
      () => this.#ended(),
      () => this.#ended(),
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get lastLines(): string {
    return this.#lines.join('\n');
  }

  /** Ready is when a real connection works; not what the log says. @throws EmbeddedPostgresError with Postgres's last words */
  async ready(): Promise<void> {
    for (const deadline = performance.now() + READY_WAIT_MS; performance.now() < deadline; await sleep(20)) {
      if (!this.alive) {
        await this.#exit.catch(() => {});
        throw new EmbeddedPostgresError(`Postgres did not start:\n${this.lastLines}`);
      }
      if (await this.#tryConnect()) return;
    }
    throw new EmbeddedPostgresError(
      `Postgres did not accept a connection within ${READY_WAIT_MS / 1000} s:\n${this.lastLines}`,
    );
  }

  /** Fast shutdown: open transactions are rolled back, everything committed is on disk. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (!this.alive) return;
    this.#child.kill('SIGINT');
    const timeout = sleep(STOP_WAIT_MS, 'late' as const, { ref: false });
    if ((await Promise.race([this.#exit, timeout])) === 'late') {
      this.#child.kill('SIGQUIT');
      await this.#exit;
    }
  }

  /** @returns false when nobody answers yet */
  async #tryConnect(): Promise<boolean> {
    const { port, password } = this.options;
    const client = new StoreClient({
      host: '127.0.0.1',
      port,
      user: SUPERUSER,
      password,
      database: 'postgres',
      connectionTimeoutMillis: 2_000,
    });
    try {
      await client.connect();
      await client.query(`CREATE DATABASE ${DATABASE}`);
      return true;
    } catch (error) {
      if (codeOf(error) === DUPLICATE_DATABASE) return true;
      if (codeOf(error) === '28P01')
        throw new EmbeddedPostgresError(`Postgres refuses the password kept in ${this.options.dataDir}`, {
          cause: error,
        });
      return false;
    } finally {
      await client.end().catch(() => client.abort());
    }
  }

  #keep(text: string): void {
    for (const line of text.split('\n').filter((l) => l !== '')) {
      this.#lines.push(line);
      this.options.log.debug('postgres', { line });
    }
    this.#lines.splice(0, this.#lines.length - KEPT_LINES);
  }

  #ended(): void {
    if (!this.#stopping) this.options.log.error('Postgres has ended by itself', { lastLines: this.lastLines });
  }
}

/** Starts a server and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const server = new Server(options);
    try {
      await server.ready();
      return server;
    } catch (error) {
      await server.stop();
      if (!ORPHANS.test(server.lastLines) || attempt >= ORPHAN_TRIES) throw error;
      await sleep(100);
    }
  }
}

export const serverUrl = (port: number, password: string): string =>
  `postgres://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${DATABASE}`;

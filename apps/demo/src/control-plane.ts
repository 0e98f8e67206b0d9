import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DemoFailure, sleep, until } from './narrator.js';

export interface Ports {
  readonly rest: number;
  readonly xds: number;
}

/** A slow machine needs this long for the very first start; a usual one needs less than five seconds. */
const START_MS = 600_000;

const ATTEMPTS = 3;

/** The control plane as a process of its own, so that the demo can kill it like an accident would. */
export class ControlPlane {
  #child: ChildProcess | undefined;
  token = '';

  constructor(
    readonly dataDir: string,
    readonly ports: Ports,
    private readonly entry: string,
    /** Settings beside the data directory and the ports, as environment variables. */
    private readonly settings: Readonly<Record<string, string>> = {},
  ) {}

  /** Process id while it runs; 0 before. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.rest}`;
  }

  /** Starts it; resolves once it is ready. */
  async start(): Promise<void> {
    const flags = [
      '--data-dir',
      this.dataDir,
      '--rest-port',
      String(this.ports.rest),
      '--xds-port',
      String(this.ports.xds),
      '--replica',
      'demo',
    ];
    const child = spawn(process.execPath, [this.entry, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.settings },
    });
    this.#child = child;
    const log = createWriteStream(join(this.dataDir, '..', 'control-plane.log'), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    await until('the control plane is ready', START_MS, async () => {
      if (child.exitCode !== null)
        throw new DemoFailure(`the control plane ended with code ${child.exitCode}; its log: ${log.path}`);
      return (await fetch(`${this.url}/readyz`)).ok;
    });
  }

  /** Exchanges the one-time admin token for a named one, as `heddle up` does. */
  async login(): Promise<void> {
    const once = (await readFile(join(this.dataDir, 'admin-token'), 'utf8')).trim();
    const answer = await this.request<{ token: string }>('POST', '/api/v1/login/exchange', {
      token: once,
      name: 'demo',
    });
    this.token = answer.token;
  }

  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.send(path, {
      method,
      headers: {
        'content-type': 'application/json',
        // Makes it safe to ask again when the connection was lost.
        'idempotency-key': randomUUID(),
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** One request; asked again when the connection was lost, as a kept one may be on a machine that stalls for seconds. */
  private async send(path: string, init: RequestInit): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await fetch(`${this.url}${path}`, init);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await sleep(500);
      }
    }
  }

  async metric(name: string): Promise<number> {
    const response = await fetch(`${this.url}/metrics`, { headers: { authorization: `Bearer ${this.token}` } });
    const lines = (await response.text())
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Ends it as an accident does: no signal handler runs. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** Milliseconds on this process's clock when the xDS port first accepted a connection. */
  async xdsPortOpen(): Promise<number> {
    await until('the xDS port is open', START_MS, () => accepts(this.ports.xds));
    return Date.now();
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

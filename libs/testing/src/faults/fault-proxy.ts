import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Link, type Rewrite } from './link.js';
import type { Way } from './way.js';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface FaultProxyOptions {
  /** Where connections go: the first that takes one, as behind a load balancer. Read anew for each connection. */
  readonly targets: () => readonly Target[];
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Default: any free one. */
  readonly port?: number;
}

/**
 * A way over TCP that fails on demand: between a replica and Postgres, or between an Envoy and its replicas. Kernel
 * tools (`tc netem`) are missing on many machines and need privilege; this needs none.
 */
export class FaultProxy {
  /** Connections taken so far. */
  taken = 0;
  readonly #links = new Set<Link>();
  #way: Way = 'open';
  #delayMs = 0;
  #rewrite: (() => Rewrite) | undefined;

  private constructor(
    private readonly server: Server,
    private readonly options: FaultProxyOptions,
  ) {
    server.on('connection', (client) => this.#take(client));
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, options);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that are open at the client's side. */
  get open(): number {
    return this.#links.size;
  }

  /** The same URL with this proxy for its host and port. */
  urlOf(url: string): string {
    const changed = new URL(url);
    changed.hostname = this.options.host ?? '127.0.0.1';
    changed.port = String(this.port);
    return changed.href;
  }

  /** Resets every present connection, both sides; new ones are as before. */
  cut(): void {
    for (const link of this.#links) link.reset();
  }

  /** Changes what passes from now on. */
  set(way: Way): void {
    this.#way = way;
    if (way === 'refused') this.cut();
    for (const link of this.#links) link.set(way);
  }

  /** Every chunk takes this much longer, each way. Milliseconds; 0 = no delay. */
  delay(ms: number): void {
    this.#delayMs = ms;
    for (const link of this.#links) link.delay(ms);
  }

  /** The other machine is gone without a word: present connections stay open at the client's side and get no answer for ever. New ones work. */
  halfOpen(): void {
    for (const link of this.#links) link.abandon();
  }

  /** What comes from the target goes through this first; for connections made from now on. A fresh one each, since it may keep state. */
  rewriteWith(rewrite: (() => Rewrite) | undefined): void {
    this.#rewrite = rewrite;
  }

  /** Everything passes again, without delay. Rewriting stays for connections that have it. */
  heal(): void {
    this.#rewrite = undefined;
    this.delay(0);
    this.set('open');
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const link of this.#links) link.reset();
    await closed;
  }

  #take(client: Socket): void {
    this.taken += 1;
    if (this.#way === 'refused') {
      client.on('error', () => {}).resetAndDestroy();
      return;
    }
    const link = new Link({
      client,
      connect: () => firstThatTakes(this.options.targets()),
      way: this.#way,
      delayMs: this.#delayMs,
      rewrite: this.#rewrite?.(),
      closed: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }
}

/** @throws the error of the last target when none takes the connection */
async function firstThatTakes(targets: readonly Target[]): Promise<Socket> {
  let last: unknown = new Error('there is no target');
  for (const { host, port } of targets) {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    socket.on('error', () => {});
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';

/** Which way bytes travel: of the client to the server, or back. */
export type Way = 'up' | 'down';

/** A TCP connection that tests can stop in one direction, and cut, at an exact moment. */
export class BreakableWire {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #held = new Set<Way>();
  #heldBytes = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(target: number): Promise<BreakableWire> {
    const server = createServer();
    await once(server.listen(0, LOOPBACK), 'listening');
    const bound = server.address();
    const wire = new BreakableWire(server, typeof bound === 'object' && bound ? bound.port : 0);
    server.on('connection', (client) => wire.#join(client, connect({ host: LOOPBACK, port: target })));
    return wire;
  }

  /** From now on nothing arrives on this way; it is read all the same, and lost by the cut. */
  hold(way: Way): void {
    this.#held.add(way);
    this.#heldBytes = 0;
  }

  /** Bytes that were held since. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Resets every connection; the next one is whole. */
  cut(): void {
    this.#held.clear();
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  #join(client: Socket, upstream: Socket): void {
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    const forward = (way: Way, to: Socket) => (chunk: Buffer) => {
      if (this.#held.has(way)) this.#heldBytes += chunk.length;
      else to.write(chunk);
    };
    client.on('data', forward('up', upstream));
    upstream.on('data', forward('down', client));
  }
}

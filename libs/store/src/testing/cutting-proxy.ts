import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

// The server's CommandComplete message for COMMIT.
const COMMITTED = Buffer.from('COMMIT\0');

/** A way to Postgres that can fail between a commit and the client's learning of it. */
export class CuttingProxy {
  readonly #sockets = new Set<Socket>();
  #armed = false;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(target: string): Promise<CuttingProxy> {
    const { hostname, port } = new URL(target);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(target);
    url.port = String((server.address() as AddressInfo).port);
    const proxy = new CuttingProxy(server, url.href);
    server.on('connection', (client) => proxy.#join(client, connect({ host: hostname, port: Number(port) })));
    return proxy;
  }

  /** The next commit reaches Postgres; its answer does not come back. */
  cutAtNextCommit(): void {
    this.#armed = true;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  #join(client: Socket, upstream: Socket): void {
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      if (this.#armed && chunk.includes(COMMITTED)) {
        this.#armed = false;
        end();
        return;
      }
      client.write(chunk);
    });
  }
}

/** For tests: a way to a server that can be cut. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface SeverableWay {
  /** The URL with this way's port on 127.0.0.1. */
  readonly url: string;
  /** Ends every connection and takes no new one. */
  sever(): Promise<void>;
}

/** Forwards TCP to the host and port of the URL until it is cut. */
export async function severable(target: string): Promise<SeverableWay> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.on('error', () => other.destroy()); // cut: that is what this is for
      socket.on('close', () => open.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  return {
    url: url.href,
    async sever() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

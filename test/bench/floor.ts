import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { cpuOf } from './cpu.js';

/** Bytes of a push of one endpoint resource, and of its ACK. */
const [PUSH, ACK] = [560, 120];

// As a program: the bare server. It writes to every connection when it is told to, and reads what comes back.
if (process.argv[2] === 'serve') {
  const sockets = new Set<Socket>();
  const push = Buffer.alloc(PUSH);
  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay(true).on('data', () => {}));
  });
  process.on('message', () => {
    for (const socket of sockets) socket.write(push);
  });
  process.on('disconnect', () => process.exit(0));
  await once(server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }), 'listening');
  const bound = server.address();
  process.send?.(typeof bound === 'object' && bound ? bound.port : 0);
}

/**
 * What sockets alone cost on this machine in this minute: a server that does nothing but write a push to each of N
 * connections and read their answers. @returns microseconds of its CPU per connection and push
 */
export async function socketFloor(count: number, pushes: number): Promise<number> {
  const server = spawn(process.execPath, [import.meta.filename, 'serve'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(server, 'message')) as [number];
  const ack = Buffer.alloc(ACK);
  let waiting = 0;
  let answered = (): void => {};
  const clients = Array.from({ length: count }, () =>
    connect(port, '127.0.0.1').on('data', function (this: Socket) {
      this.write(ack);
      if (--waiting === 0) answered();
    }),
  );
  await Promise.all(clients.map((client) => once(client, 'connect')));
  const before = cpuOf(server.pid ?? 0);
  for (let i = 0; i < pushes; i++) {
    waiting = count;
    const all = new Promise<void>((resolve) => (answered = resolve));
    server.send('push');
    await all;
  }
  const cpu = cpuOf(server.pid ?? 0) - before;
  for (const client of clients) client.destroy();
  server.disconnect();
  await once(server, 'exit');
  return (cpu * 1000) / count / pushes;
}

import { createServer } from 'node:net';
import { LauncherError } from './launcher-error.js';
import { errorCode } from './run-command.js';

/**
 * Ports we allocate lie in [15000, 32767]: from 32768 up the kernel hands them to outgoing connections, and a server
 * start there fails now and then although nobody listens.
 */
const FIRST = 15_000;
const LAST = 32_767;
const ATTEMPTS = 200;

/** Handed out by this process and perhaps not bound yet. */
const given = new Set<string>();

/**
 * A TCP port below 32768 that nobody listens on at `address` just now. The same port is not handed out twice by one
 * process; another process may still take it before you bind it, so a start that fails with EADDRINUSE asks again.
 * @param address the address to bind, default 127.0.0.1; the answer says nothing about other addresses.
 * @throws LauncherError when the address is not this machine's, or no port is free.
 */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    const key = `${address}:${port}`;
    if (given.has(key)) continue;
    given.add(key);
    if (await canListen(address, port)) return port;
  }
  throw new LauncherError(`no free port between ${FIRST} and ${LAST} at ${address}: end what listens there`);
}

/**
 * True when this process could listen there. Permission denied (ports below 1024) and a port in use are both false.
 * @throws LauncherError when the address does not belong to this machine.
 */
export function canListen(address: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      const code = errorCode(error);
      if (code === 'EADDRINUSE' || code === 'EACCES') resolve(false);
      else reject(new LauncherError(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

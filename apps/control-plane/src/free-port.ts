import { createServer } from 'node:net';
import { codeOf, EXIT, StartError } from './start-error.js';

export interface WantedPort {
  readonly host: string;
  readonly port: number;
  /** The flag that chooses another one. */
  readonly flag: string;
  readonly what: string;
}

/**
 * Tries whether a port can be had, before anything else is started, so that a taken one is one clear line.
 * @throws StartError
 */
export async function requireFreePort(wanted: WantedPort): Promise<void> {
  if (wanted.port === 0) return;
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: wanted.host, port: wanted.port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw portError(wanted, error);
  }
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** The clear line for a port that could not be opened. */
export function portError({ host, port, flag, what }: WantedPort, cause: unknown): StartError {
  const place = `port ${port} of ${host} for ${what} (${flag})`;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `${place} is taken: stop what listens there (maybe another control plane), or choose another port`,
    EACCES: `${place} may not be opened by this user: choose one above 1023`,
    EADDRNOTAVAIL: `${host} is no address of this machine: mend ${flag.replace('port', 'host')}`,
    ENOTFOUND: `${host} does not resolve: mend ${flag.replace('port', 'host')}`,
  };
  const message = reasons[codeOf(cause)] ?? `${place} cannot be opened: ${String(cause)}`;
  return new StartError(EXIT.port, message, { cause });
}

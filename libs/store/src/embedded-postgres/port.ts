import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { EmbeddedPostgresError } from './error.js';

// From 32768 up the kernel hands ports to outgoing connections, which would take ours while Postgres is down.
const LOWEST = 20_000;
const HIGHEST = 32_767;
const TRIES = 100;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port }, () => probe.close(() => resolve(true)));
  });
}

async function pickPort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (await isFree(port)) return port;
  }
  throw new EmbeddedPostgresError(`no free port between ${LOWEST} and ${HIGHEST} was found for Postgres`);
}

/**
 * The port to listen on: the wanted one, or (0) the one kept in the data directory if it is still free, or a new one.
 * @throws EmbeddedPostgresError when a wanted port is taken
 */
export async function choosePort(dataDir: string, wanted: number): Promise<number> {
  if (wanted !== 0) {
    if (await isFree(wanted)) return wanted;
    throw new EmbeddedPostgresError(`port ${wanted} of 127.0.0.1, on which Postgres should listen, is in use`);
  }
  const file = join(dataDir, 'port');
  const kept = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (Number.isInteger(kept) && kept >= 1024 && kept <= HIGHEST && (await isFree(kept))) return kept;
  const port = await pickPort();
  writeFileSync(file, `${port}\n`);
  return port;
}

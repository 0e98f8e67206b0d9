import { resolve } from 'node:path';
import type { Log } from '#libs/kernel';
import { firstClosedDirectory, unprivilegedAccount } from './account.js';
import { ensureDirectory, findBinaries } from './binaries.js';
import { ensureCluster, readPassword, stopStaleServer } from './cluster.js';
import { EmbeddedPostgresError } from './error.js';
import { claimOwnership, releaseOwnership } from './ownership.js';
import { choosePort } from './port.js';
import { serverUrl, startServer } from './server.js';

export { EmbeddedPostgresError } from './error.js';

export interface EmbeddedPostgresOptions {
  /** Directory for the cluster, its password and its port; made if it does not exist. It belongs to one control plane. */
  readonly dataDir: string;
  /** Port on 127.0.0.1; 0 (default): the one kept in the data directory, or a free one below 32768. */
  readonly port?: number;
  /** Default true. False loses data when the machine fails: for tests. */
  readonly fsync?: boolean;
  /** Further settings of the server, by their names in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log: Log;
  /** Told what is being done, for people who wait. */
  readonly onProgress?: (step: string) => void;
}

export interface EmbeddedPostgres {
  /** As the superuser of the cluster, to the database `heddle`. */
  readonly url: string;
  readonly pid: number;
  /** Version of the binaries, `18.4`. */
  readonly version: string;
  /** Stops the server and gives the data directory up. */
  stop(): Promise<void>;
}

/**
 * Starts a Postgres of our own from the binaries that npm installed: 127.0.0.1 only, no socket, SCRAM passwords, as an
 * unprivileged user when we are root. A server that a killed control plane left behind is stopped first.
 * @throws EmbeddedPostgresError when the directory is in use by a live control plane, was made by another Postgres,
 *   cannot be reached, or the server does not start: with its last 20 lines
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, onProgress = () => {}, fsync = true, settings = {} } = options;
  const dataDir = resolve(options.dataDir);
  const account = unprivilegedAccount();
  const binaries = await findBinaries(account);
  ensureDirectory(dataDir, account === undefined ? 0o700 : 0o711);
  const closed = account === undefined ? undefined : firstClosedDirectory(dataDir, account);
  if (closed !== undefined) {
    throw new EmbeddedPostgresError(
      `Postgres must not run as root, and the user ${account?.name} cannot enter ${closed}: ` +
        'make it enterable (chmod o+x), choose another data directory, or do not run Heddle as root',
    );
  }
  claimOwnership(dataDir);
  try {
    if (await stopStaleServer(dataDir))
      log.warn('stopped a Postgres that an earlier control plane had left behind', { dataDir });
    onProgress(`starting Postgres ${binaries.version}`);
    if (await ensureCluster({ dataDir, binaries, account, fsync }))
      log.info('made a new database', { dataDir, version: binaries.version });
    const port = await choosePort(dataDir, options.port ?? 0);
    const password = readPassword(dataDir);
    const server = await startServer({ dataDir, port, password, fsync, settings, binaries, account, log });
    return {
      url: serverUrl(port, password),
      pid: server.pid,
      version: binaries.version,
      async stop() {
        await server.stop();
        releaseOwnership(dataDir);
      },
    };
  } catch (error) {
    releaseOwnership(dataDir);
    throw error;
  }
}

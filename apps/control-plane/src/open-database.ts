import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Log, Metrics, Tracer } from '#libs/kernel';
import {
  type DatabaseIdentity,
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  openStore,
  PostgresTooOld,
  SchemaTooNew,
  type Store,
  StoreUnavailable,
  startEmbeddedPostgres,
} from '#libs/store';
import { withoutPassword } from './config.resolve.js';
import type { Config } from './config.schema.js';
import { EXIT, StartError } from './start-error.js';

export interface OpenDatabase {
  readonly store: Store;
  /** Its URL, with credentials: for our own processes, never shown. */
  readonly url: string;
  /** Where it is, for people: without credentials. */
  readonly name: string;
  close(): Promise<void>;
}

export interface DatabaseParts {
  readonly config: Config;
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracer?: Tracer | undefined;
  readonly onProgress?: ((step: string) => void) | undefined;
  /** Throws when the database must not be used; it has not been written to by then. */
  readonly admit: (found: DatabaseIdentity | undefined) => void;
}

const RETRY_MS = 500;

/** Opens the store on the configured Postgres, or on one of our own. @throws StartError */
export async function openDatabase(parts: DatabaseParts): Promise<OpenDatabase> {
  const { database, dataDir } = parts.config;
  if (database.url !== undefined) {
    const name = withoutPassword(database.url);
    const store = await openWithPatience(parts, database.url, name);
    return { store, name, url: database.url, close: () => store.close() };
  }
  const postgres = await startOwn(parts);
  try {
    const name = `the embedded Postgres in ${join(dataDir, 'postgres')}`;
    const store = await open(parts, postgres.url, name);
    const close = async (): Promise<void> => {
      await store.close();
      await postgres.stop();
    };
    return { store, name, url: postgres.url, close };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

async function startOwn({ config, log, onProgress = () => {} }: DatabaseParts): Promise<EmbeddedPostgres> {
  try {
    return await startEmbeddedPostgres({ dataDir: join(config.dataDir, 'postgres'), log, onProgress });
  } catch (error) {
    if (!(error instanceof EmbeddedPostgresError)) throw error;
    throw new StartError(EXIT.database, error.message, { cause: error });
  }
}

/** In a stack that starts at once the database may come later than we do. */
async function openWithPatience(parts: DatabaseParts, url: string, name: string): Promise<Store> {
  const { clock, log, config } = parts;
  const until = clock.monotonic() + config.database.waitSeconds * 1000;
  for (;;) {
    try {
      return await open(parts, url, name);
    } catch (error) {
      const away = error instanceof StartError && error.cause instanceof StoreUnavailable;
      if (!away || clock.monotonic() >= until) throw error;
      log.info('waiting for the database', { database: name });
      await sleep(RETRY_MS);
    }
  }
}

async function open(parts: DatabaseParts, url: string, name: string): Promise<Store> {
  const { config, replica, log, metrics, tracer, clock, admit } = parts;
  const { migrateUrl, pool, accept } = config.database;
  try {
    const ports = { log, metrics, tracer, clock };
    return await openStore({ url, migrateUrl, replica, ...ports, pool, accept, admit, delivers: true });
  } catch (error) {
    if (error instanceof SchemaTooNew) throw new StartError(EXIT.database, error.message, { cause: error });
    if (!(error instanceof StoreUnavailable || error instanceof PostgresTooOld)) throw error;
    const message = `the database ${name} (--database-url) cannot be used: ${error.message}`;
    throw new StartError(EXIT.database, message, { cause: error });
  }
}

import type { Sql } from './database.js';
import { codeOf } from './errors.js';
import { readHeads } from './feed/heads.js';
import { pendingMigrations } from './migrate.js';
import { MIGRATIONS } from './migrations/index.js';
import type { DatabaseIdentity } from './ports.js';
import { StoreClient, sessionConfig } from './session.js';

/** Oldest major version of Postgres that the tests have passed on. */
const OLDEST_POSTGRES = 15;
const UNDEFINED_TABLE = '42P01';

/** This Postgres is older than what Heddle is tested with. */
export class PostgresTooOld extends Error {
  constructor(found: string, oldest: number) {
    super(`it is Postgres ${found}, and Heddle needs ${oldest} or later: upgrade it, or name another one`);
    this.name = 'PostgresTooOld';
  }
}

/** @throws PostgresTooOld */
async function requireVersion(sql: Sql, oldest: number): Promise<void> {
  const [row] = await sql.query<{ number: string; name: string }>(
    `SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS name`,
  );
  if (Number(row?.number) < oldest * 10_000) throw new PostgresTooOld(row?.name ?? '?', oldest);
}

/** @param schemaVersion number of the schema that the database has */
export async function identityOf(sql: Sql, schemaVersion: number): Promise<DatabaseIdentity> {
  const { epoch, config } = await readHeads(sql);
  const [clusterId = '', ...rest] = epoch.split('/');
  return { clusterId, epoch: rest.join('/'), configRevision: config, schemaVersion };
}

async function identityIfAny(sql: Sql): Promise<DatabaseIdentity | undefined> {
  try {
    const pending = await pendingMigrations(sql);
    return await identityOf(sql, MIGRATIONS.length - pending.length);
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE) return undefined;
    throw error;
  }
}

/**
 * Looks at a database without writing to it: whoever must not use it leaves it as it was (REL-4).
 * @param oldest major version of Postgres below which it is refused
 * @returns undefined when no Heddle has ever used it
 * @throws PostgresTooOld; SchemaTooNew; the driver's error when it cannot be reached
 */
export async function inspectDatabase(url: string, oldest = OLDEST_POSTGRES): Promise<DatabaseIdentity | undefined> {
  const client = new StoreClient({ connectionString: url, ...sessionConfig({ applicationName: 'heddle' }) });
  try {
    await client.connect();
    const sql: Sql = {
      query: async <Row extends object>(text: string, parameters: readonly unknown[] = []) =>
        (await client.query<Row>(text, [...parameters])).rows,
    };
    await requireVersion(sql, oldest);
    return await identityIfAny(sql);
  } finally {
    await client.end().catch(() => client.abort());
  }
}

import type { Log } from '#libs/kernel';
import type { Sql } from './database.js';
import { codeOf } from './errors.js';

/** Owns the tables; only migrations act as it. */
export const MIGRATE_ROLE = 'heddle_migrate';
/** What the control plane acts as: no DDL, and on history and audit only INSERT and SELECT (SEC-62, SEC-65). */
export const APP_ROLE = 'heddle_app';
/** For people and programs that look and change nothing: a login of its own may be made a member of it (SEC-65). */
export const READ_ROLE = 'heddle_read';

const APPEND_ONLY = ['audit_entry', 'audit_statement', 'change', 'resource_history'];
/** Read by the application, written by migrations and by functions that act as their owner. */
const OWNED = ['migrations', 'database_identity', 'history_range', 'history_settings', 'signal_range'];
/** What even a reader does not get: encrypted keys, hashes of tokens, remembered answers. */
const CONFIDENTIAL = ['authority', 'api_token', 'idempotency'];
/** Also for a login that is one of the roles, without the control plane's own session settings. */
const ROLE_SETTINGS = [
  'lock_timeout = 2000',
  'statement_timeout = 10000',
  'idle_in_transaction_session_timeout = 10000',
];

const PARTITIONS = `
SELECT inhrelid::regclass::text AS partition FROM pg_inherits
WHERE inhparent IN (SELECT to_regclass(name) FROM unnest($1::text[]) AS name)`;

// 42710 duplicate_object, 23505 unique_violation and XX000 "tuple concurrently updated": another replica was faster.
const RACED = new Set(['42710', '23505', 'XX000']);
const INSUFFICIENT_PRIVILEGE = '42501';

const EXISTS = 'SELECT 1 FROM pg_roles WHERE rolname = $1';

async function exists(sql: Sql, role: string): Promise<boolean> {
  return (await sql.query(EXISTS, [role])).length > 0;
}

async function unlessRaced(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!RACED.has(codeOf(error))) throw error;
  }
}

async function createRole(sql: Sql, role: string): Promise<void> {
  if (await exists(sql, role)) return;
  await unlessRaced(sql.query(`CREATE ROLE ${role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE`));
}

/** Whether the session's role may act as `role`. */
export async function mayActAs(sql: Sql, role: string): Promise<boolean> {
  if (!(await exists(sql, role))) return false;
  const [row] = await sql.query<{ may: boolean }>(`SELECT pg_has_role(current_user, $1, 'MEMBER') AS may`, [role]);
  return row?.may === true;
}

/** Makes the roles and lets the session's role act as the first two. @returns false when it may not. */
export async function ensureRoles(sql: Sql, log: Log): Promise<boolean> {
  try {
    for (const role of [MIGRATE_ROLE, APP_ROLE]) {
      await createRole(sql, role);
      if (!(await mayActAs(sql, role))) await sql.query(`GRANT ${role} TO CURRENT_USER`);
    }
    await createRole(sql, READ_ROLE);
    for (const role of [APP_ROLE, READ_ROLE]) {
      for (const setting of ROLE_SETTINGS) await unlessRaced(sql.query(`ALTER ROLE ${role} SET ${setting}`));
    }
    await sql.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${MIGRATE_ROLE}`);
    return true;
  } catch (error) {
    if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    log.debug('roles were not made', { reason: error instanceof Error ? error.message : String(error) });
    return false;
  }
}

/** True when the application role exists and has no rights yet: a migration died before it came to that. */
export async function grantsMissing(sql: Sql): Promise<boolean> {
  if (!(await exists(sql, APP_ROLE))) return false;
  const [row] = await sql.query<{ has: boolean }>(`SELECT has_table_privilege($1, 'api_token', 'INSERT') AS has`, [
    APP_ROLE,
  ]);
  return row?.has === false;
}

/** Gives the application role what it needs on the present tables, and takes what it must not have. */
export async function grantAppRole(sql: Sql): Promise<void> {
  if (!(await exists(sql, APP_ROLE))) return;
  await sql.query(`GRANT USAGE ON SCHEMA public TO ${APP_ROLE}`);
  await sql.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${APP_ROLE}`);
  await sql.query(`REVOKE UPDATE, DELETE, TRUNCATE ON ${APPEND_ONLY.join(', ')} FROM ${APP_ROLE}`);
  await sql.query(`REVOKE INSERT, UPDATE, DELETE ON ${OWNED.join(', ')} FROM ${APP_ROLE}`);
  const readers = (await exists(sql, READ_ROLE)) ? [READ_ROLE] : [];
  for (const role of readers) {
    await sql.query(`GRANT USAGE ON SCHEMA public TO ${role}`);
    await sql.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    await sql.query(`REVOKE ALL ON ${CONFIDENTIAL.join(', ')} FROM ${role}`);
  }
  // A partition is reached through its table only: rights of its own would go around those of the table.
  for (const { partition } of await sql.query<{ partition: string }>(PARTITIONS, [APPEND_ONLY])) {
    await sql.query(`REVOKE ALL ON ${partition} FROM ${[APP_ROLE, ...readers].join(', ')}`);
  }
}

/** True when the session's role could rewrite the audit chain: then append-only is a promise nobody enforces. */
export async function canRewriteAudit(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ can: boolean }>(
    `SELECT has_table_privilege(current_user, 'audit_entry', 'UPDATE')
         OR has_table_privilege(current_user, 'audit_entry', 'DELETE') AS can`,
  );
  return row?.can === true;
}

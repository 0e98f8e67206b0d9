import type { Log } from '#libs/kernel';
import type { Sql } from './database.js';
import { codeOf } from './errors.js';

/** Owns the tables; only migrations act as it. */
export const MIGRATE_ROLE = 'heddle_migrate';
/** What the control plane acts as: no DDL, and on history and audit only INSERT and SELECT (SEC-62, SEC-65). */
export const APP_ROLE = 'heddle_app';

const APPEND_ONLY = ['audit_entry', 'change', 'resource_history'];

// 42710 duplicate_object, 23505 unique_violation and XX000 "tuple concurrently updated": another replica was faster.
const RACED = new Set(['42710', '23505', 'XX000']);
const INSUFFICIENT_PRIVILEGE = '42501';

const EXISTS = 'SELECT 1 FROM pg_roles WHERE rolname = $1';

async function exists(sql: Sql, role: string): Promise<boolean> {
  return (await sql.query(EXISTS, [role])).length > 0;
}

async function createRole(sql: Sql, role: string): Promise<void> {
  if (await exists(sql, role)) return;
  try {
    await sql.query(`CREATE ROLE ${role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE`);
  } catch (error) {
    if (!RACED.has(codeOf(error))) throw error;
  }
}

/** Whether the session's role may act as `role`. */
export async function mayActAs(sql: Sql, role: string): Promise<boolean> {
  if (!(await exists(sql, role))) return false;
  const [row] = await sql.query<{ may: boolean }>(`SELECT pg_has_role(current_user, $1, 'MEMBER') AS may`, [role]);
  return row?.may === true;
}

/** Makes the two roles and lets the session's role act as them. @returns false when it may not. */
export async function ensureRoles(sql: Sql, log: Log): Promise<boolean> {
  try {
    for (const role of [MIGRATE_ROLE, APP_ROLE]) {
      await createRole(sql, role);
      if (!(await mayActAs(sql, role))) await sql.query(`GRANT ${role} TO CURRENT_USER`);
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
  await sql.query(`REVOKE INSERT, UPDATE, DELETE ON migrations, database_identity FROM ${APP_ROLE}`);
}

/** True when the session's role could rewrite the audit chain: then append-only is a promise nobody enforces. */
export async function canRewriteAudit(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ can: boolean }>(
    `SELECT has_table_privilege(current_user, 'audit_entry', 'UPDATE')
         OR has_table_privilege(current_user, 'audit_entry', 'DELETE') AS can`,
  );
  return row?.can === true;
}

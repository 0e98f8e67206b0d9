/** What outlives its time in tables that are not cut into ranges. */
import type { Sql } from '../database.js';
import { PROGRESS_KEPT_DAYS } from '../delivery/progress.port.js';
import { IDEMPOTENCY_HOURS } from '../resources/idempotency.js';
import { NOW_MS } from '../sql-time.js';
import { meshIsGone } from './mesh-is-gone.js';
import { inPieces } from './pieces.js';

export const ROWS_AT_ONCE = 5_000;
/** A million rows of a kind in one round: more than come meanwhile. */
const MOST_PIECES = 200;

/** A row that changes meanwhile is left alone; another replica that removes as well takes others. */
const oldest = (table: string, condition: string, order = ''): string => `
ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${condition} ${order} LIMIT ${ROWS_AT_ONCE} FOR UPDATE SKIP LOCKED))`;

// The floor rises in the statement that prunes: a reader that is behind it reloads instead of missing entries.
const CHANGE_LOG = `
WITH gone AS (
  DELETE FROM change_log WHERE ${oldest('change_log', `stream = $1 AND at < now() - interval '24 hours'`, 'ORDER BY at')}
  RETURNING revision
), risen AS (
  UPDATE stream SET log_floor = GREATEST(log_floor, (SELECT max(revision) FROM gone))
  WHERE stream = $1 AND EXISTS (SELECT 1 FROM gone)
)
SELECT 1 AS done FROM gone`;

/** By table, which rows go. */
const CONDITIONS: Readonly<Record<string, string>> = {
  idempotency: `at < now() - interval '${IDEMPOTENCY_HOURS} hours'`,
  revocation: `until < ${NOW_MS}`,
  // Revoking one ends it; who was let in when is in the audit.
  api_token: `expires_at < ${NOW_MS} - 30 * 86400000::bigint`,
  instance_event: `at < now() - interval '30 days'`,
  delivery_progress: `at < now() - interval '${PROGRESS_KEPT_DAYS} days'`,
  issued_certificate: `not_after < ${NOW_MS} - 30 * 86400000::bigint`,
  // The newest thousand of each mesh, for a day: whoever plans in a loop fills no disk.
  plan: `expires_at < now() - interval '1 hour' OR id IN
    (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY mesh ORDER BY created_at DESC) AS n FROM plan) p WHERE n > 1000)`,
  staged_report: `NOT EXISTS (SELECT 1 FROM staged_change s
    WHERE s.number = staged_report.number AND s.step_at > now() - interval '30 days')`,
  access_failure: `minute < now() - interval '90 days'`,
  // When it was last seen is the end of what it left open: that has to be ended first.
  replica: `seen_at < ${NOW_MS} - 86400000::bigint
    AND NOT EXISTS (SELECT 1 FROM stream_span s WHERE s.replica = replica.replica AND s.until IS NULL)`,
  failure_watch: meshIsGone('failure_watch'),
  // Those that are over go with the others: see the repository. These would never be.
  failure_pattern: `over_at = 0 AND ${meshIsGone('failure_pattern')}`,
};

export const OLD_ROWS: readonly string[] = Object.keys(CONDITIONS);

/** @param table one of `OLD_ROWS` */
export const pruneRows = (sql: Sql, table: string): Promise<void> =>
  inPieces(sql, {
    statement: `DELETE FROM ${table} WHERE ${oldest(table, CONDITIONS[table] ?? 'false')} RETURNING 1 AS done`,
    ...{ atOnce: ROWS_AT_ONCE, most: MOST_PIECES },
  });

export async function pruneChangeLog(sql: Sql): Promise<void> {
  for (const stream of ['config', 'runtime'])
    await inPieces(sql, {
      ...{ statement: CHANGE_LOG, parameters: [stream] },
      ...{ atOnce: ROWS_AT_ONCE, most: MOST_PIECES },
    });
}

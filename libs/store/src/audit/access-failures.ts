import type { Sql } from '../database.js';
import type { AccessFailure } from './audit.port.js';

const ADD = `
INSERT INTO access_failure (minute, replica, peer, count)
SELECT date_trunc('minute', clock_timestamp()), $1, f.peer, f.count
FROM json_to_recordset($2::json) AS f(peer text, count bigint) ORDER BY f.peer
ON CONFLICT (minute, replica, peer) DO UPDATE SET count = access_failure.count + EXCLUDED.count`;

const LIST = `
SELECT minute, peer, sum(count)::bigint AS count FROM access_failure GROUP BY minute, peer
ORDER BY minute DESC, sum(count) DESC, peer LIMIT $1`;

/** Counts of failed logins; nothing of it touches the chain or its lock (SEC-64). */
export async function addAccessFailures(sql: Sql, replica: string, counts: ReadonlyMap<string, number>): Promise<void> {
  if (counts.size === 0) return;
  await sql.query(ADD, [replica, JSON.stringify([...counts].map(([peer, count]) => ({ peer, count })))]);
}

export async function listAccessFailures(sql: Sql, limit: number): Promise<readonly AccessFailure[]> {
  const rows = await sql.query<{ minute: Date; peer: string; count: number }>(LIST, [limit]);
  return rows.map(({ minute, peer, count }) => ({ minute: minute.toISOString(), peer, count }));
}

import { SILENT_FROM_MS } from '#libs/model';
import type { Database } from '../database.js';
import { NOW_MS } from '../sql-time.js';
import type { KnownProgress, LateDelivery, Progress, ProgressRow, RefusedDelivery } from './progress.port.js';

const INSERT = `
INSERT INTO delivery_progress (mesh, change, replica, total, acked, refusing, elapsed_ms, refused, behind, at)
SELECT p.mesh, p.change, p.replica, p.total, p.acked, p.refusing, p."elapsedMs", p.refused, p.behind, now()
FROM json_to_recordset($1::json) AS p(mesh text, change bigint, replica text, total int, acked int, refusing int,
  "elapsedMs" real, refused json, behind json)
ORDER BY p.mesh, p.change, p.replica
ON CONFLICT (mesh, change, replica)`;

const SAVE = `${INSERT} DO UPDATE SET total = EXCLUDED.total, acked = EXCLUDED.acked, refusing = EXCLUDED.refusing, elapsed_ms = EXCLUDED.elapsed_ms,
  refused = EXCLUDED.refused, behind = EXCLUDED.behind, at = EXCLUDED.at`;
// What was finished stays as it is.
const BEGIN = `${SAVE} WHERE delivery_progress.acked + delivery_progress.refusing < delivery_progress.total`;

// By its age, which has an index: nothing older is still under way.
const RESUME = `
UPDATE delivery_progress d SET total = acked + refusing, behind = '[]'
WHERE at > now() - interval '1 day' AND replica = $1 AND acked + refusing < total
  AND EXISTS (SELECT 1 FROM delivery_progress l WHERE l.mesh = d.mesh AND l.replica = $1 AND l.change > d.change)`;

/** A replica that did not renew its lease three times is not waited for, and alerts may be about it. Milliseconds. */
export const ALIVE_MS = SILENT_FROM_MS;

const OF = `
WITH asked AS (SELECT unnest($2::bigint[]) AS change),
alive AS (
  SELECT replica FROM replica
  WHERE delivers = session AND seen_at > ${NOW_MS} - ${ALIVE_MS}
),
known AS (
  SELECT asked.change AS asked, a.replica AS name, true AS alive, p.*
  FROM asked CROSS JOIN alive a LEFT JOIN LATERAL (
    SELECT * FROM delivery_progress d WHERE d.mesh = $1 AND d.replica = a.replica AND d.change >= asked.change
    ORDER BY d.change LIMIT 1
  ) p ON true
  UNION ALL
  SELECT asked.change, p.replica, false, p.*
  FROM asked JOIN delivery_progress p ON p.mesh = $1 AND p.change = asked.change
  WHERE p.replica NOT IN (SELECT replica FROM alive)
)
SELECT asked, name, alive, total, acked, refusing, elapsed_ms, refused, behind,
  greatest(extract(epoch FROM now() - at) * 1000, 0)::bigint AS age_ms
FROM known ORDER BY asked, name`;

type KnownRow = { readonly asked: number; readonly name: string; readonly alive: boolean } & (
  | { readonly total: null }
  | {
      readonly total: number;
      readonly acked: number;
      readonly refusing: number;
      readonly elapsed_ms: number;
      readonly refused: readonly RefusedDelivery[];
      readonly behind: readonly LateDelivery[];
      readonly age_ms: number;
    }
);

/** How far changes have come: one row per change and replica. */
export class ProgressRepository implements Progress {
  constructor(private readonly database: Database) {}

  async save(rows: readonly ProgressRow[]): Promise<void> {
    if (rows.length > 0) await this.database.query(SAVE, [JSON.stringify(rows)]);
  }

  async begin(rows: readonly ProgressRow[]): Promise<void> {
    if (rows.length > 0) await this.database.query(BEGIN, [JSON.stringify(rows)]);
  }

  async resume(replica: string): Promise<void> {
    await this.database.query(RESUME, [replica]);
  }

  async of(mesh: string, changes: readonly number[]): Promise<readonly KnownProgress[]> {
    const rows = await this.database.query<KnownRow>(OF, [mesh, changes]);
    return rows.map(known);
  }
}

function known(row: KnownRow): KnownProgress {
  const { asked, name, alive } = row;
  const at = { change: asked, replica: name, alive };
  if (row.total === null) return { ...at, progress: undefined };
  const { total, acked, refusing, elapsed_ms: elapsedMs, refused, age_ms } = row;
  const behind = row.behind.map(({ proxy, sinceMs }) => ({ proxy, sinceMs: sinceMs + age_ms }));
  return { ...at, progress: { replica: name, total, acked, refusing, elapsedMs, refused, behind } };
}

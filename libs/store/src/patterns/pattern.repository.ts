import type { Database } from '../database.js';
import { requireLease } from '../leases/lease.js';
import type { Lease } from '../leases/lease.port.js';
import type { PatternState, Patterns, StoredPattern } from './pattern.port.js';

const COLUMNS = `mesh, id, since, nullif(over_at, 0) AS "overAt", document`;
const LIST = `SELECT ${COLUMNS} FROM failure_pattern WHERE mesh = $1 AND (over_at = 0 OR over_at > $2) ORDER BY since, id`;
/** What the job may still have to go on with: longer than it remembers itself. */
const LIVE = `
SELECT ${COLUMNS} FROM failure_pattern
WHERE mesh = $1 AND (over_at = 0 OR over_at > (SELECT at FROM failure_watch WHERE mesh = $1) - 3600000) ORDER BY since, id`;
const SAVE = `
INSERT INTO failure_pattern (mesh, id, since, over_at, document)
SELECT $1, p.id, p.since, p.over_at, p.document FROM json_to_recordset($2::json) AS p(id text, since bigint, over_at bigint, document json)
ON CONFLICT (mesh, id) DO UPDATE SET since = excluded.since, over_at = excluded.over_at, document = excluded.document`;
const LEFT_OUT = `UPDATE failure_pattern SET over_at = $3 WHERE mesh = $1 AND over_at = 0 AND NOT (id = ANY ($2::text[]))`;
const MARK = `
INSERT INTO failure_watch (mesh, at) VALUES ($1, $2) ON CONFLICT (mesh) DO UPDATE SET at = greatest(failure_watch.at, excluded.at)`;
/** Named failures are few and small, and worth more than the requests they were. */
const FORGET = `DELETE FROM failure_pattern WHERE over_at > 0 AND over_at < $1 - 90 * 86400000::bigint`;

interface Row extends Omit<StoredPattern, 'overAt'> {
  readonly overAt: number | null;
}

const toPattern = ({ overAt, ...row }: Row): StoredPattern => ({ ...row, overAt: overAt ?? undefined });

export class PatternRepository implements Patterns {
  constructor(private readonly database: Database) {}

  async list(mesh: string, from: number): Promise<readonly StoredPattern[]> {
    return (await this.database.query<Row>(LIST, [mesh, Math.round(from)])).map(toPattern);
  }

  async state(mesh: string): Promise<PatternState> {
    const [watch] = await this.database.query<{ at: number }>('SELECT at FROM failure_watch WHERE mesh = $1', [mesh]);
    const rows = watch ? await this.database.query<Row>(LIVE, [mesh]) : [];
    return { at: watch?.at ?? 0, patterns: rows.map(toPattern) };
  }

  async save(lease: Lease, mesh: string, { at, patterns }: PatternState): Promise<void> {
    const records = patterns.map(({ id, since, overAt = 0, document }) => ({ id, since, over_at: overAt, document }));
    await this.database.transaction(async (sql) => {
      await requireLease(sql, lease);
      await sql.query(SAVE, [mesh, JSON.stringify(records)]);
      await sql.query(LEFT_OUT, [mesh, patterns.map(({ id }) => id), at]);
      await sql.query(MARK, [mesh, at]);
      await sql.query(FORGET, [at]);
    });
  }
}

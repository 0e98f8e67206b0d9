import type { Sql } from '../database.js';
import type { Position } from './position.js';

/**
 * What Postgres says is not to be served: it is an older state of this database, or has lost more than history explains.
 * What was served before stays (REL-4). @see `--database-accept`
 */
export class DatabaseDistrusted extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'DatabaseDistrusted';
  }
}

/** Of what history says exists, at least this share must be there. */
const LEAST_SHARE = 0.7;

/**
 * An older state of the same database is no news. A failover is another timeline, a restore another epoch: their
 * truth counts even if it lost the last commits (REL-5).
 * @throws DatabaseDistrusted
 */
export function requireNoStepBack(since: Position, heads: Position): void {
  if (heads.epoch !== since.epoch || heads.config >= since.config) return;
  throw new DatabaseDistrusted(
    `it is at revision ${heads.config}, and revision ${since.config} was served, without a failover or a restore in between`,
  );
}

interface Counts {
  readonly stored: number;
  readonly known: number;
}

const RESOURCES = `
SELECT (SELECT count(*) FROM resource) AS stored,
  (SELECT count(*) FILTER (WHERE op = 'created') - count(*) FILTER (WHERE op = 'deleted') FROM resource_history) AS known`;

// Events are kept for 30 days: who has none left is not missed.
const INSTANCES = `
SELECT (SELECT count(*) FROM instance) AS stored, (SELECT count(*) FROM (
  SELECT DISTINCT ON (uid) op FROM instance_event ORDER BY uid, runtime_revision DESC, position DESC) e WHERE op <> 'remove') AS known`;

/** How much smaller a full state is than history explains: tables that were emptied, or a restore that is not finished. */
export async function requireExplained(sql: Sql): Promise<void> {
  for (const [what, statement] of [
    ['resources', RESOURCES],
    ['instances', INSTANCES],
  ] as const) {
    const [counts] = await sql.query<Counts>(statement);
    if (counts !== undefined && counts.stored < counts.known * LEAST_SHARE) {
      throw new DatabaseDistrusted(`it has ${counts.stored} ${what}, and by its own history there are ${counts.known}`);
    }
  }
}

import type { Sql } from '../database.js';
import type { Position } from './position.js';

/** How far the database is, and from where on its log tells what happened. */
export interface Heads extends Position {
  readonly configFloor: number;
  readonly runtimeFloor: number;
}

// The timeline is part of the epoch: a failover starts a new one, and may have lost the last commits (REL-5).
export const HEADS = `
SELECT d.cluster_id || '/' || d.epoch || '/' ||
    CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END AS epoch,
  c.revision AS config, r.revision AS runtime, c.log_floor AS "configFloor", r.log_floor AS "runtimeFloor"
FROM database_identity d, stream c, stream r WHERE c.stream = 'config' AND r.stream = 'runtime'`;

export async function readHeads(sql: Sql): Promise<Heads> {
  return requireHeads(await sql.query<Heads>(HEADS));
}

/** The first row, which holds the heads. */
export function requireHeads<H extends Heads>([heads]: readonly H[]): H {
  if (heads === undefined)
    throw new Error('the database has no identity or no streams: it is not a whole Heddle database');
  return heads;
}

/** Whether the log tells all that happened since. */
export const isTold = (since: Position, heads: Heads): boolean =>
  since.epoch === heads.epoch &&
  heads.config >= since.config &&
  heads.runtime >= since.runtime &&
  since.config >= heads.configFloor &&
  since.runtime >= heads.runtimeFloor;

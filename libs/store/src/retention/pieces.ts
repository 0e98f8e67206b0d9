import type { Sql } from '../database.js';

/** Of one kind in one round; the next round goes on. */
const PIECES = 20;

export interface Pieces {
  readonly statement: string;
  readonly parameters?: readonly unknown[];
  /** Rows that the statement takes at once; it answers one row for each. */
  readonly atOnce: number;
  /** Default 20. */
  readonly most?: number;
}

/** Runs a statement that takes only so much at once until nothing is left: no piece holds locks for long, or runs out of time. */
export async function inPieces(sql: Sql, { statement, parameters, atOnce, most = PIECES }: Pieces): Promise<void> {
  for (let piece = 0; piece < most; piece += 1) {
    if ((await sql.query(statement, parameters)).length < atOnce) return;
  }
}

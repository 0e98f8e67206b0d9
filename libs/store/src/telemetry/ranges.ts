import type { Sql } from '../database.js';

/** More than there ever is to do, even after years. */
const MOST = 1_000;

/** Makes ranges of time that come, drops those whose time is over, each in a transaction of its own. */
export async function ensureSignalRanges(sql: Sql): Promise<void> {
  for (let step = 0; step < MOST; step += 1) {
    const [row] = await sql.query<{ moved: boolean }>('SELECT ensure_signal_range() AS moved');
    if (row?.moved !== true) return;
  }
}

/** A range that was given up. */
export interface ShedRange {
  /** Of its buckets; 0 = single failures. */
  readonly seconds: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Gives up the oldest of what takes the most room. @returns undefined when all there is is what is written now */
export async function shedSignalRange(sql: Sql): Promise<ShedRange | undefined> {
  const [gone] = await sql.query<ShedRange>('SELECT seconds, since FROM shed_signal_range()');
  return gone;
}

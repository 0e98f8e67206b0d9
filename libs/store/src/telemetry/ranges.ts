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

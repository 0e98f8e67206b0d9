import type { Log, Metrics } from '#libs/kernel';
import type { Database, Sql } from '../database.js';
import { StoreUnavailable } from '../ports.js';
import { endLostSpans, pruneManifests, pruneSpans } from '../spans/prune.js';
import { ensureSignalRanges } from '../telemetry/ranges.js';
import { OLD_ROWS, pruneChangeLog, pruneRows } from './old-rows.js';

/** Writes must never find history without a range for them: the next ones are made long before. */
export const ensureHistoryRanges = (sql: Sql): Promise<unknown> => sql.query('SELECT ensure_history_ranges()');

type Statements = Pick<Database, 'query' | 'transaction'>;

interface Task {
  /** For the log and the metric. */
  readonly what: string;
  readonly run: (sql: Statements) => Promise<unknown>;
}

const TASKS: readonly Task[] = [
  { what: 'history ranges', run: ensureHistoryRanges },
  { what: 'signal ranges', run: ensureSignalRanges },
  { what: 'change_log', run: pruneChangeLog },
  { what: 'lost spans', run: endLostSpans },
  ...OLD_ROWS.map((table): Task => ({ what: table, run: (sql) => pruneRows(sql, table) })),
  { what: 'stream_span', run: pruneSpans },
  { what: 'manifest', run: pruneManifests },
];

export interface PruneOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  /** No statement begins any more once it is aborted. */
  readonly signal: AbortSignal;
}

/**
 * Makes room for what comes and removes what has outlived its time. Replicas may do it at once. What fails keeps nothing else
 * from being done; while Postgres is away, that is said once. It never rejects.
 */
export async function prune(database: Statements, { log, metrics, signal }: PruneOptions): Promise<void> {
  const sql = unlessAborted(database, signal);
  const failed = (tasks: readonly Task[]): void => {
    for (const { what } of tasks) metrics.count('heddle_prune_failures_total', { what });
  };
  for (const [index, task] of TASKS.entries()) {
    try {
      await task.run(sql);
    } catch (error) {
      if (signal.aborted) return;
      const reason = String(error);
      if (error instanceof StoreUnavailable && !(await answers(sql))) {
        failed(TASKS.slice(index));
        log.warn('Postgres is away: what is old stays until the next round', { reason });
        return;
      }
      failed([task]);
      log.warn('what is old could not be removed; it will be tried again', { what: task.what, reason });
    }
  }
}

const unlessAborted = (sql: Statements, signal: AbortSignal): Statements => ({
  query: async (text, parameters) => {
    signal.throwIfAborted();
    return sql.query(text, parameters);
  },
  transaction: async (work) => {
    signal.throwIfAborted();
    return sql.transaction(work);
  },
});

const answers = (sql: Sql): Promise<boolean> =>
  sql.query('SELECT 1').then(
    () => true,
    () => false,
  );

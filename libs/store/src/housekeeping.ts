import { randomUUID } from 'node:crypto';
import { AS_ROOT, type Clock, type Log, type Tracer } from '#libs/kernel';
import type { Database } from './database.js';
import { PROGRESS_KEPT_DAYS } from './delivery/progress.port.js';
import { StoreUnavailable } from './ports.js';
import { IDEMPOTENCY_HOURS } from './resources/idempotency.js';
import { endLostSpans, pruneSpans } from './spans/prune.js';
import { NOW_MS } from './sql-time.js';
import { ensureSignalRanges } from './telemetry/ranges.js';

/** A replica shows that it lives this often (see `REPLICA_LEASE_MS`). */
const LEASE_EVERY_MS = 5_000;
const PRUNE_EVERY_MS = 10 * 60_000;

const RENEW_LEASE = `
INSERT INTO replica (replica, session, delivers, started_at, seen_at) VALUES ($1, $2, $3, ${NOW_MS}, ${NOW_MS})
ON CONFLICT (replica) DO UPDATE SET
  started_at = CASE WHEN replica.session = EXCLUDED.session THEN replica.started_at ELSE EXCLUDED.started_at END,
  previous_seen_at = CASE WHEN replica.session = EXCLUDED.session THEN replica.previous_seen_at ELSE replica.seen_at END,
  session = EXCLUDED.session, delivers = EXCLUDED.delivers, seen_at = EXCLUDED.seen_at`;

/** Nobody waits for the ACKs of a replica that has stopped in good order. */
const LEAVE = `UPDATE replica SET delivers = '' WHERE replica = $1 AND session = $2`;

// The floor rises in the statement that prunes: a reader that is behind it reloads instead of missing entries.
const PRUNE_LOG = `
WITH gone AS (
  DELETE FROM change_log WHERE stream = $1 AND at < now() - interval '24 hours' RETURNING revision
)
UPDATE stream SET log_floor = GREATEST(log_floor, (SELECT max(revision) FROM gone))
WHERE stream = $1 AND EXISTS (SELECT 1 FROM gone)`;

/** Writes must never find history without a range for them: the next ones are made long before. */
const ENSURE_RANGES = 'SELECT ensure_history_ranges()';

const PRUNE = [
  `DELETE FROM idempotency WHERE at < now() - interval '${IDEMPOTENCY_HOURS} hours'`,
  `DELETE FROM revocation WHERE until < ${NOW_MS}`,
  `DELETE FROM instance_event WHERE at < now() - interval '30 days'`,
  `DELETE FROM delivery_progress WHERE at < now() - interval '${PROGRESS_KEPT_DAYS} days'`,
  `DELETE FROM issued_certificate WHERE not_after < ${NOW_MS} - 30 * 86400000::bigint`,
  // The newest thousand of each mesh, for a day: whoever plans in a loop fills no disk.
  `DELETE FROM plan WHERE expires_at < now() - interval '1 hour' OR id IN
    (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY mesh ORDER BY created_at DESC) AS n FROM plan) p WHERE n > 1000)`,
  `DELETE FROM staged_report r WHERE NOT EXISTS (SELECT 1 FROM staged_change s
    WHERE s.number = r.number AND s.step_at > now() - interval '30 days')`,
  `DELETE FROM access_failure WHERE minute < now() - interval '90 days'`,
  `DELETE FROM replica WHERE seen_at < ${NOW_MS} - 86400000::bigint`,
];

/** Makes room for what comes and removes what has outlived its time. Replicas may do it at once. */
export async function prune(database: Database): Promise<void> {
  await database.query(ENSURE_RANGES);
  for (const stream of ['config', 'runtime']) await database.query(PRUNE_LOG, [stream]);
  // Before replicas: when they were last seen is the end of what they left open.
  await pruneSpans(database);
  for (const statement of PRUNE) await database.query(statement);
  await ensureSignalRanges(database);
}

export interface HousekeepingOptions {
  readonly replica: string;
  readonly delivers: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly tracer: Tracer;
}

/** Renews the replica's lease and prunes, until stopped. Outages are none of its business: it simply comes back. */
export function startHousekeeping(database: Database, options: HousekeepingOptions): () => Promise<void> {
  const session = randomUUID();
  const running = new Set<Promise<void>>();
  const run = (task: () => Promise<unknown>): void => {
    const promise: Promise<void> = task()
      .then(() => {})
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) options.log.error('housekeeping failed', { error: String(error) });
      })
      .finally(() => running.delete(promise));
    running.add(promise);
  };
  const renew = () => database.query(RENEW_LEASE, [options.replica, session, options.delivers ? session : '']);
  const lease = (): void => run(renew);
  run(async () => {
    await renew();
    await endLostSpans(database);
  });
  run(() => database.query(ENSURE_RANGES));
  run(() => ensureSignalRanges(database));
  const cancel = [
    options.clock.every(LEASE_EVERY_MS, lease),
    options.clock.every(PRUNE_EVERY_MS, () =>
      run(() => options.tracer.run('job retention', () => prune(database), AS_ROOT)),
    ),
  ];
  return async () => {
    for (const stop of cancel) stop();
    await Promise.all(running);
    if (options.delivers) run(() => database.query(LEAVE, [options.replica, session]));
    await Promise.all(running);
  };
}

import { randomUUID } from 'node:crypto';
import { AS_ROOT, type Clock, type Log, type Metrics, type Tracer, Turns } from '#libs/kernel';
import type { Database } from './database.js';
import { StoreUnavailable } from './ports.js';
import { ensureHistoryRanges, prune } from './retention/prune.js';
import { endLostSpans } from './spans/prune.js';
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

export interface HousekeepingOptions {
  readonly replica: string;
  readonly delivers: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
}

/** Renews the replica's lease and prunes, until stopped. Outages are none of its business: it simply comes back. */
export function startHousekeeping(database: Database, options: HousekeepingOptions): () => Promise<void> {
  const session = randomUUID();
  const ending = new AbortController();
  const { log, metrics, tracer } = options;
  const pruning = { log, metrics, signal: ending.signal };
  const retention = new Turns(() => tracer.run('job retention', () => prune(database, pruning), AS_ROOT));
  const running = new Set<Promise<void>>();
  const run = (task: () => Promise<unknown>): void => {
    const promise: Promise<void> = task()
      .then(() => {})
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) log.error('housekeeping failed', { error: String(error) });
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
  run(() => ensureHistoryRanges(database));
  run(() => ensureSignalRanges(database));
  // Several at once: one that waits for a connection that is dead must not cost the lease.
  const stopLease = options.clock.every(LEASE_EVERY_MS, lease);
  retention.start(options.clock, PRUNE_EVERY_MS);
  return async () => {
    ending.abort();
    stopLease();
    await retention.stop();
    await Promise.all(running);
    if (options.delivers) run(() => database.query(LEAVE, [options.replica, session]));
    await Promise.all(running);
  };
}

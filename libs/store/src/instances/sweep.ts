import type { Log, Metrics } from '#libs/kernel';
import type { Sql } from '../database.js';
import { nowAndRevision } from './batch.js';
import { commitInstances, type InstanceEvent, type InstanceWrite } from './commit.js';
import { type InstanceRecord, type InstanceState, toInstanceState } from './rows.js';
import { detach } from './transitions.js';

/** Of one workload at most this share is removed at once, of a mesh the other; a single instance may always go. */
export const WORKLOAD_SHARE = 0.1;
export const MESH_SHARE = 0.05;
/** A replica that has not renewed its row for this long has stopped: it renews every 5 s. */
export const REPLICA_LEASE_MS = 30_000;
/** A lost stream alone never removes an endpoint: an instance goes after five minutes without one. */
export const DETACHED_FOR_MS = 300_000;
/** Why it went, in its history. */
export const DETACHED_TOO_LONG = 'detached for too long';

export interface SweepOptions {
  readonly detachedForMs: number;
  readonly removeLeavingAfterMs: number;
}

export interface SweepDecision {
  readonly removed: readonly InstanceState[];
  /** Groups whose removal the guard holds back: `<mesh>` or `<mesh>/<namespace>/<workload>`. */
  readonly held: readonly string[];
}

const workloadOf = (i: InstanceState): string => `${i.mesh}/${i.namespace}/${i.workload}`;
const meshOf = (i: InstanceState): string => i.mesh;

function countBy(instances: readonly InstanceState[], group: (i: InstanceState) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const instance of instances) counts.set(group(instance), (counts.get(group(instance)) ?? 0) + 1);
  return counts;
}

/** Groups of which more would go at once than the share allows. */
function tooMany(
  all: readonly InstanceState[],
  going: readonly InstanceState[],
  guard: { group: (i: InstanceState) => string; share: number },
): Set<string> {
  const totals = countBy(all, guard.group);
  const over = [...countBy(going, guard.group)].filter(
    ([key, count]) => count > Math.max(1, Math.floor((totals.get(key) ?? 0) * guard.share)),
  );
  return new Set(over.map(([key]) => key));
}

/**
 * Which instances a sweep removes. Those that were deregistered go in any number, since somebody said so; those that
 * have merely been detached for too long go only under the guard: many at once look like a fault of ours, not theirs.
 */
export function decideSweep(all: readonly InstanceState[], now: number, options: SweepOptions): SweepDecision {
  const left = all.filter((i) => i.leaving && now - i.leavingAt >= options.removeLeavingAfterMs);
  const lost = all.filter(
    (i) => !i.leaving && i.attached.length === 0 && i.detachedAt > 0 && now - i.detachedAt >= options.detachedForMs,
  );
  const meshes = tooMany(all, lost, { group: meshOf, share: MESH_SHARE });
  const workloads = tooMany(all, lost, { group: workloadOf, share: WORKLOAD_SHARE });
  const removed = lost.filter((i) => !meshes.has(meshOf(i)) && !workloads.has(workloadOf(i)));
  return { removed: [...left, ...removed], held: [...meshes, ...workloads].sort() };
}

/** Who this process is, and which attachments of its own it has made since it started. */
export interface OwnAttachments {
  readonly replica: string;
  readonly epochs: ReadonlySet<string>;
}

const SWEEP_LOCK = `SELECT pg_try_advisory_xact_lock(hashtextextended('heddle sweep', 0)) AS mine`;
const ALL = 'SELECT * FROM instance ORDER BY mesh, namespace, name FOR UPDATE';
const LIVE_REPLICAS = 'SELECT replica FROM replica WHERE seen_at > $1';

/** Drops the attachments that nobody will ever take back: of stopped replicas, and of earlier runs of this one. */
function dropStale(
  all: readonly InstanceState[],
  now: number,
  live: (replica: string, epoch: string) => boolean,
): InstanceState[] {
  return all.map((instance) => detach(instance, (entry) => !live(entry.replica, entry.epoch), now));
}

/** One sweep in a transaction of its own; another replica's sweep at the same time makes this one return nothing. */
export async function sweep(
  sql: Sql,
  options: SweepOptions,
  own: OwnAttachments,
  reporting: { readonly log: Log; readonly metrics: Metrics },
): Promise<readonly InstanceState[]> {
  const [lock] = await sql.query<{ mine: boolean }>(SWEEP_LOCK);
  if (lock?.mine !== true) return [];
  const before = (await sql.query<InstanceRecord>(ALL)).map(toInstanceState);
  const { now } = await nowAndRevision(sql);
  const replicas = new Set(
    (await sql.query<{ replica: string }>(LIVE_REPLICAS, [now - REPLICA_LEASE_MS])).map((row) => row.replica),
  );
  const all = dropStale(before, now, (replica, epoch) =>
    replica === own.replica ? own.epochs.has(epoch) : replicas.has(replica),
  );
  const { removed, held } = decideSweep(all, now, options);
  reporting.metrics.gauge('heddle_instance_removals_held', held.length);
  if (held.length > 0)
    reporting.log.warn('more instances would be removed at once than the guard allows: they are kept', {
      groups: held,
    });
  const gone = new Set(removed.map((instance) => instance.uid));
  const changed = all.filter((instance, index) => instance !== before[index] && !gone.has(instance.uid));
  const writes: InstanceWrite[] = [
    ...removed.map((state): InstanceWrite => ({ op: 'deleted', state })),
    ...changed.map((state): InstanceWrite => ({ op: 'updated', state })),
  ];
  if (writes.length === 0) return [];
  const events: InstanceEvent[] = [
    ...removed.map((state) => ({ state, op: 'remove', detail: state.leaving ? 'had left' : DETACHED_TOO_LONG })),
    ...changed.map((state) => ({ state, op: 'detach', detail: 'its replica has stopped' })),
  ];
  await commitInstances(sql, writes, events);
  return removed;
}

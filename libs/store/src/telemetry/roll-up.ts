import { createHash } from 'node:crypto';
import type { Sql } from '../database.js';
import { requireLease } from '../leases/lease.js';
import type { Lease } from '../leases/lease.port.js';
import { NOW_MS } from '../sql-time.js';
import type { DueBucket, RolledMesh, SignalRow, SignalView } from './signal.port.js';
import { FINEST_S, secondsOf, tableOf } from './tables.js';
import { removePages, writePages } from './write.js';

/** Parts of a bucket may come so long after its end; what comes later makes it be made again. Milliseconds. */
const LATE_MS = 15_000;

const TIERS = `
SELECT t.tier, t.rolled_until, (SELECT min(lower) FROM signal_range r WHERE r.tier = t.tier) AS kept_from,
  (SELECT min(at) FROM signal_redo d WHERE d.tier = t.tier) AS redo,
  ${NOW_MS} AS now
FROM signal_tier t WHERE t.tier > 0 ORDER BY t.tier`;
const NEXT = 'SELECT at FROM signal_part WHERE tier = $1 AND at >= $2 AND at < $3 ORDER BY at LIMIT 1';
const PARTS = `
SELECT at, mesh, source, hash, complete FROM signal_part WHERE tier = $1 AND at >= $2 AND at < $3 ORDER BY at, mesh, source`;
const LOCK = `
SELECT greatest(rolled_until, (SELECT min(lower) FROM signal_range WHERE tier = $1)) AS next
FROM signal_tier WHERE tier = $1 FOR UPDATE`;
const ADVANCE = 'UPDATE signal_tier SET rolled_until = greatest(rolled_until, $2) WHERE tier = $1';
const FORGET_REDO = 'DELETE FROM signal_redo WHERE tier = $1 AND at = $2';
const FORGET_PARTS = 'DELETE FROM signal_part WHERE tier = $1 AND at = $2 RETURNING mesh';
const PART = `INSERT INTO signal_part (tier, at, mesh, source, hash, complete) VALUES ($1, $2, $3, '', $4, $5)`;
const REDO_NEXT = `
INSERT INTO signal_redo (tier, at) SELECT tier, $2::bigint - $2::bigint % (tier * 1000)
FROM signal_tier WHERE tier = (SELECT min(tier) FROM signal_tier WHERE tier > $1) AND rolled_until > $2 ON CONFLICT DO NOTHING`;

interface Tier {
  readonly tier: number;
  readonly rolled_until: number;
  readonly kept_from: number | null;
  readonly redo: number | null;
  readonly now: number;
}

interface PartRow {
  readonly at: number;
  readonly mesh: string;
  readonly source: string;
  readonly hash: string;
  readonly complete: boolean;
}

const floor = (at: number, length: number): number => Math.floor(at / length) * length;

async function described(
  sql: Sql,
  bucket: Pick<DueBucket, 'lengthMs' | 'at' | 'fromLengthMs' | 'isRedone'>,
): Promise<DueBucket> {
  const { lengthMs, at, fromLengthMs } = bucket;
  const parts = await sql.query<PartRow>(PARTS, [secondsOf(fromLengthMs), at, at + lengthMs]);
  const meshes = new Map<string, boolean>();
  for (const { mesh, complete } of parts) meshes.set(mesh, complete && (meshes.get(mesh) ?? true));
  const fingerprint = createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
  return { ...bucket, fingerprint, meshes: [...meshes].map(([mesh, complete]) => ({ mesh, complete })) };
}

/** Late parts first: of what is gone meanwhile nothing is made anew. */
async function redone(sql: Sql, tier: Tier, finer: Tier): Promise<DueBucket | undefined> {
  if (tier.redo === null) return undefined;
  if (tier.redo < Math.max(finer.kept_from ?? tier.now, tier.kept_from ?? tier.now)) {
    await sql.query(FORGET_REDO, [tier.tier, tier.redo]);
    return undefined;
  }
  const lengths = { lengthMs: tier.tier * 1000, fromLengthMs: finer.tier * 1000 };
  return described(sql, { ...lengths, at: tier.redo, isRedone: true });
}

async function next(sql: Sql, tier: Tier, finer: Tier): Promise<DueBucket | undefined> {
  const lengths = { lengthMs: tier.tier * 1000, fromLengthMs: finer.tier * 1000 };
  const ready = floor(finer.tier === FINEST_S ? tier.now - LATE_MS : finer.rolled_until, lengths.lengthMs);
  // Nothing older can be written any more.
  const from = Math.max(tier.rolled_until, tier.kept_from ?? tier.now);
  if (from >= ready) return undefined;
  const [first] = await sql.query<{ at: number }>(NEXT, [finer.tier, from, ready]);
  // Where there was nothing for long, all of it is passed at once.
  const at = first === undefined ? ready - lengths.lengthMs : floor(first.at, lengths.lengthMs);
  return described(sql, { ...lengths, at, isRedone: false });
}

export async function nextDue(sql: Sql): Promise<DueBucket | undefined> {
  const tiers = await sql.query<Tier>(TIERS);
  for (const [i, tier] of tiers.entries()) {
    const finer = tiers[i - 1];
    const due = finer && ((await redone(sql, tier, finer)) ?? (await next(sql, tier, finer)));
    if (due) return due;
  }
  return undefined;
}

export function readContents(sql: Sql, due: DueBucket, mesh: string, view: SignalView): Promise<SignalRow[]> {
  const { at, lengthMs, fromLengthMs } = due;
  return sql.query<SignalRow>(
    `SELECT at, callee AS shelf, cells FROM ${tableOf(view)} WHERE tier = $1 AND at >= $2 AND at < $3 AND mesh = $4 ORDER BY callee`,
    [secondsOf(fromLengthMs), at, at + lengthMs, mesh],
  );
}

/** See `Signals.finish`: in a transaction. */
export async function finishBucket(
  sql: Sql,
  lease: Lease,
  due: DueBucket,
  meshes: readonly RolledMesh[],
): Promise<boolean> {
  const { at, lengthMs, fromLengthMs } = due;
  const tier = secondsOf(lengthMs);
  await requireLease(sql, lease);
  const [locked] = await sql.query<{ next: number }>(LOCK, [tier]);
  // Whoever wrote meanwhile has ended; whoever writes from now on sees that the bucket is made.
  const now = await described(sql, due);
  if (now.fingerprint !== due.fingerprint) return false;
  const passed = due.isRedone ? [] : await sql.query(NEXT, [secondsOf(fromLengthMs), locked?.next ?? at, at]);
  if (passed.length > 0) return false;
  for (const { mesh } of await sql.query<{ mesh: string }>(FORGET_PARTS, [tier, at]))
    await removePages(sql, { tier, at, mesh, source: '' });
  for (const { mesh, complete, pages } of meshes) {
    await writePages(sql, { tier, at, mesh, source: '' }, pages);
    await sql.query(PART, [tier, at, mesh, due.fingerprint, complete]);
  }
  await sql.query(FORGET_REDO, [tier, at]);
  await sql.query(ADVANCE, [tier, at + lengthMs]);
  await sql.query(REDO_NEXT, [tier, at]);
  return true;
}

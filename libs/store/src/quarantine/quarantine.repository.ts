import type { Labels, Manifest } from '#libs/model';
import { documentHash } from '../audit/chain.js';
import { storable } from '../audit/columns.js';
import type { Database } from '../database.js';
import { requireLease } from '../leases/lease.js';
import { MIGRATIONS } from '../migrations/index.js';
import type { Actor, Lease } from '../ports.js';
import { type Announced, announce, SYSTEM } from './announce.js';
import type { FormerRevision, NewQuarantine, QuarantinedResource, Quarantines } from './quarantine.port.js';

type Row = Announced;

const LIST = `
SELECT q.uid, q.mesh, r.kind, r.namespace, r.name, r.labels, q.bad_revision, q.use_revision, q.reason, q.at
FROM quarantine q JOIN resource r ON r.uid = q.uid AND r.updated_revision = q.bad_revision
WHERE q.mesh = $1 ORDER BY r.kind, r.namespace, r.name`;

interface Listed extends Row {
  readonly labels: Labels;
  readonly bad_revision: number;
  readonly use_revision: number;
  readonly reason: string;
  readonly at: Date;
}

const FORMER = `
SELECT k.uid, h.revision, h.after AS manifest
FROM unnest($1::text[], $2::bigint[]) AS k(uid, before)
JOIN resource r ON r.uid = k.uid
CROSS JOIN LATERAL (
  SELECT h.revision, h.after FROM resource_history h
  WHERE h.mesh = r.mesh AND h.kind = r.kind AND h.namespace = r.namespace AND h.name = r.name AND h.uid = k.uid
    AND h.revision < k.before AND h.after IS NOT NULL
  ORDER BY h.revision DESC LIMIT $3
) h ORDER BY k.uid, h.revision DESC`;

// Locked before the row of the stream, as every writer does: it stays as it was judged until this is committed.
const HOLD = `
SELECT uid, mesh, kind, namespace, name FROM resource WHERE uid = $1 AND updated_revision = $2 FOR NO KEY UPDATE`;
const UPGRADED = `SELECT 1 FROM migrations WHERE NOT name = ANY ($1) LIMIT 1`;
const CLEAN = `
DELETE FROM quarantine q
WHERE NOT EXISTS (SELECT 1 FROM resource r WHERE r.uid = q.uid AND r.updated_revision = q.bad_revision)`;
const PUT = `
INSERT INTO quarantine AS q (uid, mesh, bad_revision, use_revision, reason, document)
VALUES ($1, $2, $3, $4, $5, $6::json)
ON CONFLICT (uid) DO UPDATE SET bad_revision = $3, use_revision = $4, reason = $5, document = $6::json, at = now()
WHERE (q.bad_revision, q.use_revision) <> ($3::bigint, $4::bigint)
RETURNING uid`;
const HOLD_LISTED = `
SELECT r.uid, r.mesh, r.kind, r.namespace, r.name, q.bad_revision, q.use_revision
FROM resource r JOIN quarantine q ON q.uid = r.uid AND r.updated_revision = q.bad_revision
WHERE r.uid = $1 AND r.mesh = $2 FOR NO KEY UPDATE OF r`;
const RELEASE = 'DELETE FROM quarantine WHERE uid = $1';

const KNOWN = MIGRATIONS.map(({ name }) => name);
/** Of the reason that is kept. */
const REASON_LENGTH = 4_096;

const idOf = ({ uid, kind, namespace, name }: Row): Omit<Row, 'mesh'> => ({ uid, kind, namespace, name });

/** Rows of `quarantine`. One that is not of its resource's last write is out of force, and goes with the next one. */
export class QuarantineRepository implements Quarantines {
  constructor(private readonly database: Database) {}

  async list(mesh: string): Promise<readonly QuarantinedResource[]> {
    const rows = await this.database.query<Listed>(LIST, [mesh]);
    return rows.map((row) => ({
      ...idOf(row),
      mesh: row.mesh,
      labels: row.labels,
      badRevision: row.bad_revision,
      useRevision: row.use_revision,
      reason: row.reason,
      at: row.at.toISOString(),
    }));
  }

  former(
    resources: readonly { readonly uid: string; readonly before: number }[],
    each: number,
  ): Promise<readonly FormerRevision[]> {
    return this.database.query<{ uid: string; revision: number; manifest: Manifest }>(FORMER, [
      resources.map(({ uid }) => uid),
      resources.map(({ before }) => before),
      each,
    ]);
  }

  put(lease: Lease, { uid, badRevision, use, reason }: NewQuarantine): Promise<boolean> {
    return this.database.transaction(async (sql) => {
      await requireLease(sql, lease);
      if ((await sql.query(UPGRADED, [KNOWN])).length > 0) return false;
      const [row] = await sql.query<Row>(HOLD, [uid, badRevision]);
      if (row === undefined) return false;
      await sql.query(CLEAN);
      const useRevision = use?.revision ?? 0;
      const why = storable(reason).slice(0, REASON_LENGTH);
      const document = use === undefined ? null : JSON.stringify(use.manifest);
      const put = await sql.query(PUT, [uid, row.mesh, badRevision, useRevision, why, document]);
      if (put.length === 0) return false;
      await announce(sql, row, {
        action: 'quarantine',
        actor: SYSTEM,
        message: `revision ${badRevision} cannot be evaluated: ${useRevision === 0 ? 'no earlier one is good' : `revision ${useRevision} is served`}`,
        reason: { ...idOf(row), badRevision, useRevision, document: documentHash(use?.manifest), message: why },
      });
      return true;
    });
  }

  release(mesh: string, uid: string, actor: Actor): Promise<boolean> {
    return this.database.transaction(async (sql) => {
      const [row] = await sql.query<Listed>(HOLD_LISTED, [uid, mesh]);
      if (row === undefined) return false;
      await sql.query(RELEASE, [uid]);
      await announce(sql, row, {
        action: 'quarantine-release',
        actor,
        message: `revision ${row.bad_revision} counts again`,
        reason: { ...idOf(row), badRevision: row.bad_revision, useRevision: row.use_revision },
      });
      return true;
    });
  }
}

import type { Sql } from '../database.js';
import { type ResourceRow, toManifest } from '../resources/rows.js';
import { documentHash } from './chain.js';

const PAGE = 200;

const RESOURCES = `
SELECT r.*, h.revision AS "auditedRevision", h.op AS "auditedOp", h.version AS "auditedVersion", h.after AS audited
FROM (SELECT * FROM resource WHERE uid > $1 ORDER BY uid LIMIT ${PAGE}) r
LEFT JOIN LATERAL (
  SELECT * FROM resource_history h
  WHERE h.mesh = r.mesh AND h.kind = r.kind AND h.namespace = r.namespace AND h.name = r.name
  ORDER BY h.revision DESC LIMIT 1
) h ON true
ORDER BY r.uid`;

interface Row extends ResourceRow {
  readonly auditedRevision: number | null;
  readonly auditedOp: string | null;
  readonly auditedVersion: number | null;
  readonly audited: unknown;
}

const MISSING = `
SELECT h.kind, h.namespace, h.name, h.revision FROM (
  SELECT DISTINCT ON (mesh, kind, namespace, name) mesh, kind, namespace, name, revision, op
  FROM resource_history ORDER BY mesh, kind, namespace, name, revision DESC
) h
WHERE h.op <> 'deleted' AND NOT EXISTS (
  SELECT 1 FROM resource r WHERE r.mesh = h.mesh AND r.kind = h.kind AND r.namespace = h.namespace AND r.name = h.name
)
ORDER BY h.revision LIMIT 1`;

export interface StateBreak {
  /** Revision of the change that the resource should be as of. */
  readonly revision: number;
  readonly reason: string;
}

/**
 * What is in force must be what history ends with. A resource that was written last before a cut has no history to be
 * compared with: of those only the number is known.
 * @param floor revision of the cut; 0 = none
 */
export async function checkState(sql: Sql, floor: number): Promise<StateBreak | undefined> {
  for (let last = ''; ; ) {
    const rows = await sql.query<Row>(RESOURCES, [last]);
    for (const row of rows) {
      const wrong = compare(row, floor);
      if (wrong !== undefined) return wrong;
    }
    if (rows.length < PAGE) return undefined;
    last = rows.at(-1)?.uid ?? last;
  }
}

function compare(row: Row, floor: number): StateBreak | undefined {
  const name = `${row.kind} ${row.namespace}/${row.name}`;
  if (row.auditedRevision === null) {
    if (row.updated_revision <= floor) return undefined;
    return { revision: row.updated_revision, reason: `${name} is in force, and no audited change made it` };
  }
  const same =
    row.auditedOp !== 'deleted' &&
    row.auditedVersion === row.version &&
    row.auditedRevision === row.updated_revision &&
    documentHash(row.audited) === documentHash(toManifest(row));
  return same ? undefined : { revision: row.auditedRevision, reason: `${name} in force is not what was audited last` };
}

/** Names a resource that should be there: asked only when their number is wrong. */
export async function findMissing(sql: Sql): Promise<StateBreak | undefined> {
  const [row] = await sql.query<{ kind: string; namespace: string; name: string; revision: number }>(MISSING);
  return (
    row && {
      revision: row.revision,
      reason: `${row.kind} ${row.namespace}/${row.name} is gone, and no audited change removed it`,
    }
  );
}

import { changeId } from '#libs/kernel';
import type { Labels } from '#libs/model';
import type { Sql } from '../database.js';
import type { Origin, WrittenResource } from './history.port.js';

// Asked by row and change, both by primary or unique key: costs what is asked for, however long the history.
export const ORIGINS = `
SELECT r.labels, coalesce(w.revision, r.updated_revision) AS revision, c.at, c.actor
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
  WITH ORDINALITY AS w (kind, namespace, name, revision, position)
LEFT JOIN resource r ON r.mesh = $1 AND r.kind = w.kind AND r.namespace = w.namespace AND r.name = w.name
LEFT JOIN change c ON c.mesh = $1 AND c.revision = coalesce(w.revision, r.updated_revision)
ORDER BY w.position`;

interface OriginRow {
  readonly labels: Labels | null;
  readonly revision: number | null;
  readonly at: Date | null;
  readonly actor: string | null;
}

/** Who wrote each resource as it is, or as it was at the revision given. */
export async function readOrigins(
  sql: Sql,
  mesh: string,
  resources: readonly WrittenResource[],
): Promise<readonly Origin[]> {
  if (resources.length === 0) return [];
  const column = <V>(pick: (resource: WrittenResource) => V): V[] => resources.map(pick);
  const rows = await sql.query<OriginRow>(ORIGINS, [
    mesh,
    column(({ kind }) => kind),
    column(({ namespace }) => namespace),
    column(({ name }) => name),
    column(({ revision }) => revision ?? null),
  ]);
  return rows.map(({ labels, revision, at, actor }) => ({
    labels: labels ?? undefined,
    revision: revision ?? undefined,
    change: actor === null || revision === null ? undefined : changeId(revision),
    actor: actor ?? undefined,
    at: at?.toISOString(),
  }));
}

import { type Manifest, type ResourceId, resourceKey } from '#libs/model';
import type { Sql } from '../database.js';
import { readHeads } from '../feed/heads.js';
import type { MeshThen, StoredResource } from '../ports.js';
import { readBetween } from './past.repository.js';
import { type ResourceRow, toStoredResource } from './rows.js';

const ROWS = 'SELECT * FROM resource WHERE mesh = $1 ORDER BY kind, namespace, name';

// Ages decide between routes, and these are all that is left of them.
const WRITTEN = `
SELECT k.kind, k.namespace, k.name, w.updated, w.created, w.version
FROM unnest($2::text[], $3::text[], $4::text[]) AS k(kind, namespace, name)
CROSS JOIN LATERAL (
  SELECT max(h.revision) AS updated, max(h.version) AS version, max(h.revision) FILTER (WHERE h.op = 'created') AS created
  FROM resource_history h
  WHERE h.mesh = $1 AND h.kind = k.kind AND h.namespace = k.namespace AND h.name = k.name AND h.revision <= $5
) w`;

interface WrittenRow extends ResourceId {
  /** Null where history was cut. */
  readonly updated: number | null;
  readonly created: number | null;
  readonly version: number | null;
}

/** @param sql in a snapshot */
export async function meshAsOf(sql: Sql, mesh: string, revision: number): Promise<MeshThen> {
  const { config: head } = await readHeads(sql);
  const since = await readBetween(sql, mesh, revision, head);
  const rows = (await sql.query<ResourceRow>(ROWS, [mesh])).map(toStoredResource);
  const present = new Map(rows.map((row) => [resourceKey(row), row]));
  const changed = new Set(since.map(resourceKey));
  const back = since.filter(({ before }) => before !== undefined);
  const written = await sql.query<WrittenRow>(WRITTEN, [
    ...[mesh, back.map(({ kind }) => kind), back.map(({ namespace }) => namespace), back.map(({ name }) => name)],
    revision,
  ]);
  const by = new Map(written.map((row) => [resourceKey(row), row]));
  const restored = back.map((change) => {
    const key = resourceKey(change);
    // History keeps manifests as they were stored.
    return asBefore(change.before as Manifest, { mesh, revision, now: present.get(key), written: by.get(key) });
  });
  return { head, resources: [...rows.filter((row) => !changed.has(resourceKey(row))), ...restored] };
}

interface Around {
  readonly mesh: string;
  readonly revision: number;
  readonly now: StoredResource | undefined;
  readonly written: WrittenRow | undefined;
}

function asBefore({ apiVersion, kind, metadata, spec }: Manifest, around: Around): StoredResource {
  const { mesh, revision, now, written } = around;
  const isSame = now !== undefined && now.createdRevision <= revision;
  return {
    ...{ mesh, apiVersion, kind, ...metadata, spec },
    uid: isSame ? now.uid : '',
    version: written?.version ?? 0,
    createdRevision: isSame ? now.createdRevision : (written?.created ?? 0),
    updatedRevision: written?.updated ?? 0,
    createdAt: isSame ? now.createdAt : '',
    updatedAt: '',
  };
}

import type { Sql } from '../database.js';
import type { StoredResource } from '../ports.js';
import { STAGED, type StagedRow, toStaged } from './rows.js';
import type { Candidate, StagedChange, StagedItem } from './staged.port.js';

const OPEN = `${STAGED} WHERE s.state IN ('canary', 'held') AND ($1::text[] IS NULL OR s.mesh = ANY($1::text[])) ORDER BY s.mesh`;

const CREATED = `
SELECT r.kind || '/' || r.namespace || '/' || r.name AS key, r.created_revision AS revision
FROM resource r JOIN change_item i USING (mesh, kind, namespace, name) WHERE i.change = $1`;

const NUMBERS = `
SELECT DISTINCT a.namespace || '/' || a.name AS service, a.number
FROM service_address a JOIN change_item i USING (mesh, namespace, name) WHERE i.change = $1`;

/** The open staged changes of these meshes, or of all. */
export async function readCandidates(sql: Sql, meshes?: readonly string[]): Promise<readonly Candidate[]> {
  const rows = await sql.query<StagedRow>(OPEN, [meshes ?? null]);
  const found: Candidate[] = [];
  for (const row of rows) found.push(await toCandidate(sql, toStaged(row)));
  return found;
}

async function toCandidate(sql: Sql, change: StagedChange): Promise<Candidate> {
  const { id, mesh, revision, wave, members, items } = change;
  const created = await sql.query<{ key: string; revision: number }>(CREATED, [id]);
  const numbers = await sql.query<{ service: string; number: number }>(NUMBERS, [id]);
  const since = new Map(created.map((row) => [row.key, row.revision]));
  return {
    ...{ id, mesh, revision, wave, members },
    puts: items.flatMap((item) => (item.op === 'put' ? [toRow(change, item, since)] : [])),
    deletes: items.flatMap((item) => (item.op === 'delete' ? [item.id] : [])),
    addresses: new Map(numbers.map((row) => [row.service, row.number])),
  };
}

/** As it will be stored; what is new is younger than everything, as it will be then. */
function toRow(
  { id, mesh, createdAt, revision }: StagedChange,
  { id: { kind, namespace, name }, manifest, ifVersion }: Extract<StagedItem, { op: 'put' }>,
  created: ReadonlyMap<string, number>,
): StoredResource {
  const { labels, annotations } = manifest.metadata;
  return {
    ...{ uid: id, mesh, kind, namespace, name, labels, annotations },
    ...{ apiVersion: manifest.apiVersion, spec: manifest.spec, version: ifVersion + 1 },
    createdRevision: created.get(`${kind}/${namespace}/${name}`) ?? Number.MAX_SAFE_INTEGER,
    updatedRevision: revision,
    ...{ createdAt, updatedAt: createdAt },
  };
}

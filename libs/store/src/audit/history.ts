import { changeId } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import type { Sql } from '../database.js';
import type { HistoryEntry } from '../ports.js';
import { type ResourceRow, toManifest } from '../resources/rows.js';
import type { HistoryQuery, PastResource } from './history.port.js';

const MAX_PAGE = 500;
/** See `search.ts`: a time is turned into a revision with room for transactions that took long. */
const SKEW = `interval '10 minutes'`;

export const pageSize = (limit: number): number => Math.min(Math.max(1, Math.trunc(limit)), MAX_PAGE);

// Sorted for each change on its own, so that it stays a look-up by revision in one range, never a join with all of them.
const ITEMS = `
SELECT c.revision, c.at, c.actor, c.message, c.reverts, h.op, h.kind, h.namespace, h.name, h.before, h.after
FROM c CROSS JOIN LATERAL (SELECT * FROM resource_history h WHERE h.revision = c.revision ORDER BY h.position) h
ORDER BY c.revision DESC, h.position`;

/** The statement that reads history, for tests that ask how it is carried out. */
export function historyStatement(query: HistoryQuery): {
  readonly text: string;
  readonly parameters: readonly unknown[];
} {
  const parameters: unknown[] = [];
  const given = (value: unknown): string => `$${parameters.push(value)}`;
  const conditions = [
    `c.mesh = ${given(query.mesh)}`,
    `c.revision < ${given(query.before ?? Number.MAX_SAFE_INTEGER)}::bigint`,
  ];
  if (query.actor !== undefined) conditions.push(`c.actor = ${given(query.actor)}`);
  if (query.since !== undefined) {
    const since = `${given(query.since)}::timestamptz`;
    conditions.push(
      `c.at >= ${since}`,
      `c.revision >= coalesce((SELECT revision FROM change WHERE at < ${since} - ${SKEW} ORDER BY at DESC LIMIT 1), 0)`,
    );
  }
  if (query.until !== undefined) {
    const until = `${given(query.until)}::timestamptz`;
    conditions.push(
      `c.at < ${until}`,
      `c.revision <= coalesce((SELECT revision FROM change WHERE at > ${until} + ${SKEW} ORDER BY at LIMIT 1), ${Number.MAX_SAFE_INTEGER})`,
    );
  }
  const limit = given(pageSize(query.limit));
  const from = query.resource === undefined ? 'change c' : `resource_history r JOIN change c USING (revision)`;
  if (query.resource !== undefined) {
    const { kind, namespace, name } = query.resource;
    conditions.push(
      `r.mesh = $1 AND r.kind = ${given(kind)} AND r.namespace = ${given(namespace)} AND r.name = ${given(name)}`,
    );
    conditions.push('r.revision < $2::bigint');
  }
  const order = query.resource === undefined ? 'c.revision' : 'r.revision';
  const text = `WITH c AS (
  SELECT c.* FROM ${from} WHERE ${conditions.join(' AND ')} ORDER BY ${order} DESC LIMIT ${limit}
)${ITEMS}`;
  return { text, parameters };
}

interface HistoryRow {
  readonly revision: number;
  readonly at: Date;
  readonly actor: string;
  readonly message: string;
  readonly reverts: string | null;
  readonly op: 'created' | 'updated' | 'deleted';
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

function groupHistory(rows: readonly HistoryRow[]): HistoryEntry[] {
  const entries: (HistoryEntry & { items: HistoryEntry['items'][number][] })[] = [];
  for (const row of rows) {
    let entry = entries.at(-1);
    if (entry?.revision !== row.revision) {
      const { revision, actor, message } = row;
      const reverts = row.reverts ?? undefined;
      entry = { change: changeId(revision), revision, at: row.at.toISOString(), actor, message, reverts, items: [] };
      entries.push(entry);
    }
    const { op, kind, namespace, name, before, after } = row;
    entry.items.push({ op, kind, namespace, name, before, after });
  }
  return entries;
}

export async function readHistory(sql: Sql, query: HistoryQuery): Promise<readonly HistoryEntry[]> {
  const { text, parameters } = historyStatement(query);
  return groupHistory(await sql.query<HistoryRow>(text, parameters));
}

const OF = 'mesh = $1 AND kind = $2 AND namespace = $3 AND name = $4';
// The document after the last change up to then; else the one before the first change since; else the present one.
const AT = `
SELECT * FROM (
  (SELECT 1 AS rank, revision, version, after AS document, op FROM resource_history
   WHERE ${OF} AND revision <= $5 ORDER BY revision DESC LIMIT 1)
  UNION ALL
  (SELECT 2, 0, version - 1, before, op FROM resource_history WHERE ${OF} AND revision > $5 ORDER BY revision LIMIT 1)
) known ORDER BY rank LIMIT 1`;
const NOW = `SELECT * FROM resource WHERE ${OF} AND updated_revision <= $5`;

interface AtRow {
  readonly rank: number;
  readonly revision: number;
  readonly version: number;
  readonly document: unknown;
}

/** A resource as it was after a revision. */
export async function readAt(
  sql: Sql,
  mesh: string,
  id: ResourceId,
  revision: number,
): Promise<PastResource | undefined> {
  const parameters = [mesh, id.kind, id.namespace, id.name, revision];
  const [known] = await sql.query<AtRow>(AT, parameters);
  if (known !== undefined) {
    const { document, version } = known;
    return document === null
      ? undefined
      : { revision: known.revision, version, manifest: document as PastResource['manifest'] };
  }
  const [row] = await sql.query<ResourceRow>(NOW, parameters);
  if (row === undefined) return undefined;
  return { revision: row.updated_revision, version: row.version, manifest: toManifest(row) };
}

/** Oldest revision whose state can still be read: 0 unless history was cut. */
export async function historyFloor(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ floor: number }>('SELECT greatest(min(lower) - 1, 0) AS floor FROM history_range');
  return row?.floor ?? 0;
}

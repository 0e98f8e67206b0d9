import type { Sql } from '../database.js';
import type { InstanceRecord } from '../instances/rows.js';
import type { ResourceRow } from '../resources/rows.js';
import { STAGED_KIND } from '../staged/write.js';
import { type Found, toDelta } from './delta.js';
import { HEADS, type Heads, isTold, requireHeads } from './heads.js';
import type { FeedRead, Position } from './position.js';

/** Entries of the log that one statement takes; of more there are better ways to read. */
const MOST = 500;

// A statement is a snapshot of its own. Rows are looked up one by one: a join would be planned for many, and read it all.
const NEWS = `
WITH log AS (
  (SELECT stream, mesh, kind, namespace, name FROM change_log WHERE stream = 'config' AND revision > $1 LIMIT ${MOST + 1})
  UNION ALL
  (SELECT stream, mesh, kind, namespace, name FROM change_log WHERE stream = 'runtime' AND revision > $2 LIMIT ${MOST + 1})
)
SELECT h.*, (SELECT count(*) FROM log) AS entries,
  of_stream, of_mesh, of_kind, of_namespace, of_name,
  CASE of_stream WHEN 'config' THEN (SELECT row_to_json(r) FROM resource r
    WHERE r.mesh = of_mesh AND r.kind = of_kind AND r.namespace = of_namespace AND r.name = of_name) END AS resource,
  of_stream = 'config' AND EXISTS (SELECT 1 FROM quarantine q JOIN resource r ON q.uid = r.uid AND q.bad_revision = r.updated_revision
    WHERE r.mesh = of_mesh AND r.kind = of_kind AND r.namespace = of_namespace AND r.name = of_name) AS quarantined,
  CASE of_stream WHEN 'config' THEN (SELECT number FROM service_address a
    WHERE a.mesh = of_mesh AND a.namespace = of_namespace AND a.name = of_name) END AS number,
  CASE of_stream WHEN 'runtime' THEN (SELECT row_to_json(i) FROM instance i
    WHERE i.mesh = of_mesh AND i.namespace = of_namespace AND i.name = of_name) END AS instance
FROM (${HEADS}) h LEFT JOIN (
  SELECT DISTINCT stream, mesh, kind, namespace, name FROM log
) t(of_stream, of_mesh, of_kind, of_namespace, of_name) ON true
ORDER BY of_mesh, of_kind, of_namespace, of_name`;

/** The heads, in every row with one key that was touched; none in a single row. */
interface NewsRow extends Heads {
  readonly entries: number;
  readonly of_stream: 'config' | 'runtime' | null;
  readonly of_mesh: string;
  readonly of_kind: string;
  readonly of_namespace: string;
  readonly of_name: string;
  readonly resource: JsonRow | null;
  readonly quarantined: boolean;
  readonly number: number | null;
  readonly instance: InstanceRecord | null;
}

/** As JSON writes it. */
type JsonRow = Omit<ResourceRow, 'created_at' | 'updated_at'> & {
  readonly created_at: string;
  readonly updated_at: string;
};

/**
 * What is newer than `since` by one statement, as it nearly always can be: each further one is a way to Postgres and a turn
 * of a busy event loop between a commit and the proxies.
 * @returns undefined if it has to be read in another way
 */
export async function readNews(sql: Sql, since: Position): Promise<FeedRead | undefined> {
  const rows = await sql.query<NewsRow>(NEWS, [since.config, since.runtime]);
  const heads = requireHeads(rows);
  if (!isTold(since, heads) || heads.entries > MOST) return undefined;
  const position = { epoch: heads.epoch, config: heads.config, runtime: heads.runtime };
  if (rows.some(wantsMore)) return undefined;
  if (heads.config === since.config && heads.runtime === since.runtime) return { position, event: undefined };
  const resources = rows.filter(({ of_stream }) => of_stream === 'config').map(resourceOf);
  const instances = rows.filter(({ of_stream }) => of_stream === 'runtime').map(instanceOf);
  return { position, event: toDelta(heads, { resources, instances }) };
}

/** Some kinds announce rows of other tables, and what is in quarantine is not what its row says. Rare, and read apart. */
const wantsMore = ({ of_stream, of_kind, quarantined }: NewsRow): boolean =>
  of_stream === 'config' && (quarantined || of_kind === STAGED_KIND || of_kind === 'Mesh');

function resourceOf(row: NewsRow): Found<ResourceRow> & { readonly number: number | null } {
  const { resource } = row;
  if (resource === null) return { ...row, uid: null };
  const times = { created_at: new Date(resource.created_at), updated_at: new Date(resource.updated_at) };
  return { ...row, ...resource, ...times };
}

const instanceOf = (row: NewsRow): Found<InstanceRecord> =>
  row.instance === null ? { ...row, uid: null } : { ...row, ...row.instance };

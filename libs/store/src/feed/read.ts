import type { Database, Sql } from '../database.js';
import { type InstanceRecord, toInstanceRow, toInstanceState } from '../instances/rows.js';
import type { FeedEvent, Snapshot } from '../ports.js';
import { readContents } from '../quarantine/content.repository.js';
import { type ResourceRow, toStoredResource } from '../resources/rows.js';
import { readCandidates } from '../staged/candidate.js';
import { STAGED_KIND } from '../staged/write.js';
import { addressKey, type Found, toDelta } from './delta.js';
import { type Heads, isTold, readHeads } from './heads.js';
import { readNews } from './news.js';
import type { FeedRead, Position } from './position.js';
import { requireExplained, requireNoStepBack } from './trust.js';

/** Further behind than this, everything is read anew. */
const MAX_BEHIND = 50_000;

interface AddressRow {
  readonly mesh: string;
  readonly namespace: string;
  readonly name: string;
  readonly number: number;
}

// Said of the last write only: the next one ends it.
const QUARANTINE = `
  LEFT JOIN quarantine q ON q.uid = r.uid AND q.bad_revision = r.updated_revision`;
const QUARANTINED =
  'q.bad_revision, q.use_revision, q.reason AS bad_reason, q.at AS bad_since, q.document AS good_document';

async function readSnapshot(sql: Sql, heads: Heads): Promise<Snapshot> {
  const resources = await sql.query<ResourceRow>(
    `SELECT r.*, ${QUARANTINED} FROM resource r ${QUARANTINE} ORDER BY r.mesh, r.kind, r.namespace, r.name`,
  );
  const instances = await sql.query<InstanceRecord>('SELECT * FROM instance ORDER BY mesh, namespace, name');
  const addresses = await sql.query<AddressRow>('SELECT mesh, namespace, name, number FROM service_address');
  return {
    configRevision: heads.config,
    runtimeRevision: heads.runtime,
    resources: resources.map(toStoredResource),
    instances: instances.map((record) => toInstanceRow(toInstanceState(record))),
    addresses: new Map(addresses.map((row) => [addressKey(row), row.number])),
    candidates: await readCandidates(sql),
    badContents: await readContents(sql),
  };
}

// A key that was touched more than once counts once, with what is stored now: it is the same snapshot.
const TOUCHED = `
SELECT DISTINCT mesh AS of_mesh, kind AS of_kind, namespace AS of_namespace, name AS of_name
FROM change_log WHERE stream = $1 AND revision > $2`;

const RESOURCES = `
SELECT k.*, r.*, ${QUARANTINED}, a.number FROM (${TOUCHED}) k
LEFT JOIN resource r ON r.mesh = of_mesh AND r.kind = of_kind AND r.namespace = of_namespace AND r.name = of_name
${QUARANTINE}
LEFT JOIN service_address a ON a.mesh = of_mesh AND a.namespace = of_namespace AND a.name = of_name
ORDER BY of_mesh, of_kind, of_namespace, of_name`;

const INSTANCES = `
SELECT k.*, i.* FROM (${TOUCHED}) k
LEFT JOIN instance i ON i.mesh = of_mesh AND i.namespace = of_namespace AND i.name = of_name
ORDER BY of_mesh, of_namespace, of_name`;

async function readDelta(sql: Sql, since: Position, heads: Heads): Promise<FeedEvent> {
  const resources =
    heads.config > since.config
      ? await sql.query<Found<ResourceRow> & { readonly number: number | null }>(RESOURCES, ['config', since.config])
      : [];
  const instances =
    heads.runtime > since.runtime ? await sql.query<Found<InstanceRecord>>(INSTANCES, ['runtime', since.runtime]) : [];
  const staged = [...new Set(resources.filter((row) => row.of_kind === STAGED_KIND).map((row) => row.of_mesh))];
  const open = staged.length > 0 ? await readCandidates(sql, staged) : [];
  return toDelta(heads, {
    resources: resources.filter((row) => row.of_kind !== STAGED_KIND),
    instances,
    candidates: new Map(staged.map((mesh) => [mesh, open.find((one) => one.mesh === mesh)])),
    // What is said of them is announced with the Mesh.
    badContents: resources.some((row) => row.of_kind === 'Mesh') ? await readContents(sql) : undefined,
  });
}

/** Whether the log no longer tells, or tells at too great length, what happened since. */
async function mustReload(sql: Sql, since: Position, heads: Heads): Promise<boolean> {
  if (!isTold(since, heads)) return true;
  const [behind] = await sql.query<{ entries: number }>(
    `SELECT count(*) AS entries FROM (
       SELECT 1 FROM change_log WHERE (stream = 'config' AND revision > $1) OR (stream = 'runtime' AND revision > $2) LIMIT $3) e`,
    [since.config, since.runtime, MAX_BEHIND + 1],
  );
  return (behind?.entries ?? 0) > MAX_BEHIND;
}

export interface ReadOptions {
  /** The log is not to be relied on: everything is read. */
  readonly whole?: boolean;
  /** Serve it whatever it is (`--database-accept`). */
  readonly accept?: boolean;
  /** Told when a question was put that a live server answers at once, and when it has: a connection's other end may be gone. */
  readonly onAsk?: () => void;
  readonly onAnswer?: () => void;
}

/**
 * Reads what is newer than `since`, or everything, in one REPEATABLE READ snapshot.
 * @throws DatabaseDistrusted
 */
export async function readFeed(
  database: Database,
  since: Position | undefined,
  { whole = false, accept = false, onAsk = () => {}, onAnswer = () => {} }: ReadOptions = {},
): Promise<FeedRead> {
  if (since !== undefined && !whole) {
    onAsk();
    const news = await readNews(database, since);
    onAnswer();
    if (news) return news;
  }
  onAsk();
  return database.transaction(
    async (sql) => {
      const heads = await readHeads(sql);
      onAnswer();
      const position = { epoch: heads.epoch, config: heads.config, runtime: heads.runtime };
      if (since !== undefined && !accept) requireNoStepBack(since, heads);
      if (since !== undefined && !whole && !(await mustReload(sql, since, heads)))
        return { position, event: await readDelta(sql, since, heads) };
      if (!accept) await requireExplained(sql);
      return { position, event: { kind: 'snapshot', snapshot: await readSnapshot(sql, heads) } };
    },
    { isolation: 'snapshot' },
  );
}

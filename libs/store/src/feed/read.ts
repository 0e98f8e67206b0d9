import type { Database, Sql } from '../database.js';
import { type InstanceRecord, toInstanceRow, toInstanceState } from '../instances/rows.js';
import type { FeedEvent, Snapshot } from '../ports.js';
import { readContents } from '../quarantine/content.repository.js';
import { type ResourceRow, toStoredResource } from '../resources/rows.js';
import { readCandidates } from '../staged/candidate.js';
import { STAGED_KIND } from '../staged/write.js';
import type { Position } from './position.js';
import { requireExplained, requireNoStepBack } from './trust.js';

interface Heads extends Position {
  readonly configFloor: number;
  readonly runtimeFloor: number;
}

/** Further behind than this, everything is read anew. */
const MAX_BEHIND = 50_000;

// The timeline is part of the epoch: a failover starts a new one, and may have lost the last commits (REL-5).
const HEADS = `
SELECT d.cluster_id || '/' || d.epoch || '/' ||
    CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END AS epoch,
  c.revision AS config, r.revision AS runtime, c.log_floor AS "configFloor", r.log_floor AS "runtimeFloor"
FROM database_identity d, stream c, stream r WHERE c.stream = 'config' AND r.stream = 'runtime'`;

export async function readHeads(sql: Sql): Promise<Heads> {
  const [heads] = await sql.query<Heads>(HEADS);
  if (heads === undefined)
    throw new Error('the database has no identity or no streams: it is not a whole Heddle database');
  return heads;
}

const addressKey = (a: { mesh: string; namespace: string; name: string }): string =>
  `${a.mesh}/${a.namespace}/${a.name}`;

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

type ResourceEvent = (FeedEvent & { kind: 'delta' })['resources'][number];
type InstanceEvent = (FeedEvent & { kind: 'delta' })['instances'][number];

interface TouchedKey {
  readonly of_mesh: string;
  readonly of_kind: string;
  readonly of_namespace: string;
  readonly of_name: string;
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

type Found<Row> = TouchedKey & (Row | { readonly uid: null });
type WithNumber = { readonly number: number | null };

const toResourceEvent = (row: Found<ResourceRow>): ResourceEvent =>
  row.uid === null
    ? { op: 'delete', mesh: row.of_mesh, kind: row.of_kind, namespace: row.of_namespace, name: row.of_name }
    : { op: 'put', resource: toStoredResource(row) };

const toInstanceEvent = (row: Found<InstanceRecord>): InstanceEvent =>
  row.uid === null
    ? { op: 'delete', mesh: row.of_mesh, namespace: row.of_namespace, name: row.of_name }
    : { op: 'put', instance: toInstanceRow(toInstanceState(row)) };

async function readDelta(sql: Sql, since: Position, heads: Heads): Promise<FeedEvent> {
  const resources =
    heads.config > since.config
      ? await sql.query<Found<ResourceRow> & WithNumber>(RESOURCES, ['config', since.config])
      : [];
  const instances =
    heads.runtime > since.runtime ? await sql.query<Found<InstanceRecord>>(INSTANCES, ['runtime', since.runtime]) : [];
  const staged = [...new Set(resources.filter((row) => row.of_kind === STAGED_KIND).map((row) => row.of_mesh))];
  const open = staged.length > 0 ? await readCandidates(sql, staged) : [];
  const numbered = resources.flatMap((row) =>
    row.number === null
      ? []
      : [[addressKey({ mesh: row.of_mesh, namespace: row.of_namespace, name: row.of_name }), row.number] as const],
  );
  return {
    kind: 'delta',
    configRevision: heads.config,
    runtimeRevision: heads.runtime,
    resources: resources.filter((row) => row.of_kind !== STAGED_KIND).map(toResourceEvent),
    candidates: new Map(staged.map((mesh) => [mesh, open.find((one) => one.mesh === mesh)])),
    instances: instances.map(toInstanceEvent),
    addresses: new Map(numbered),
    // What is said of them is announced with the Mesh.
    badContents: resources.some((row) => row.of_kind === 'Mesh') ? await readContents(sql) : undefined,
  };
}

/** Whether the log no longer tells, or tells at too great length, what happened since. */
async function mustReload(sql: Sql, since: Position, heads: Heads): Promise<boolean> {
  if (since.epoch !== heads.epoch || heads.config < since.config || heads.runtime < since.runtime) return true;
  if (since.config < heads.configFloor || since.runtime < heads.runtimeFloor) return true;
  const [behind] = await sql.query<{ entries: number }>(
    `SELECT count(*) AS entries FROM (
       SELECT 1 FROM change_log WHERE (stream = 'config' AND revision > $1) OR (stream = 'runtime' AND revision > $2) LIMIT $3) e`,
    [since.config, since.runtime, MAX_BEHIND + 1],
  );
  return (behind?.entries ?? 0) > MAX_BEHIND;
}

export interface FeedRead {
  readonly position: Position;
  /** undefined: nothing is newer. */
  readonly event: FeedEvent | undefined;
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
  onAsk();
  const known = await readHeads(database); // one cheap statement while nothing happens
  onAnswer();
  if (since !== undefined && !whole && isSame(known, since)) return { position: since, event: undefined };
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

const isSame = (a: Position, b: Position): boolean =>
  a.epoch === b.epoch && a.config === b.config && a.runtime === b.runtime;

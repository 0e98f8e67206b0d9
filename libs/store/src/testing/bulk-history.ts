/** History in bulk, for tests and the bench of history: as the store would have written it, in far less time. */
import { canonicalJson } from '#libs/kernel';
import type { AuditPayload } from '../audit/chain.js';
import { documentHash, envelopeHash, sha256 } from '../audit/chain.js';
import { columnsOf } from '../audit/columns.js';
import type { Sql } from '../database.js';
import { actor, manifest } from './fixtures.js';

const BATCH = 2_000;
const KIND = 'Service';

export interface BulkOptions {
  /** Changes to add; each updates one resource, in turn. */
  readonly changes: number;
  /** Resources `bulk-0`, `bulk-1`, ...: the first changes create them. */
  readonly resources: number;
  /** When the first change was made, milliseconds since the epoch, and from one to the next. */
  readonly from: number;
  readonly everyMs: number;
  /** Changes that were added before, which this goes on after. Default 0. */
  readonly first?: number;
  /** Called after every batch. */
  readonly onProgress?: (done: number) => void;
}

interface Head {
  revision: number;
  seq: number;
  hash: string;
}

const HEAD = `SELECT revision::float8 AS revision, audit_seq::float8 AS seq, audit_hash AS hash FROM stream WHERE stream = 'config'`;
const SET_HEAD = `UPDATE stream SET revision = $1, audit_seq = $2, audit_hash = $3 WHERE stream = 'config'`;
const CHANGE = `
INSERT INTO change (revision, mesh, at, actor, role, ip, request_id, message)
SELECT revision, 'default', at, '${actor.name}', '${actor.role}', '${actor.ip}', '${actor.requestId}', 'bulk'
FROM json_to_recordset($1::json) AS r(revision bigint, at timestamptz)`;
const HISTORY = `
INSERT INTO resource_history (revision, position, uid, op, mesh, kind, namespace, name, version, before, after)
SELECT revision, 0, uid, op, 'default', '${KIND}', 'default', name, version, before::json, after::json
FROM json_to_recordset($1::json) AS r(revision bigint, uid text, op text, name text, version bigint, before text, after text)`;
const AUDIT = `
INSERT INTO audit_entry (seq, revision, at, decision, payload, payload_hash, prev, hash, action, mesh, actor, subjects)
SELECT seq, revision, at, 'applied', payload, "payloadHash", prev, hash, action, mesh, actor, ARRAY(SELECT json_array_elements_text(subjects))
FROM json_to_recordset($1::json) AS r(seq bigint, revision bigint, at timestamptz, payload text, "payloadHash" text,
  prev text, hash text, action text, mesh text, actor text, subjects json)`;
const RESOURCE = `
INSERT INTO resource (uid, mesh, kind, namespace, name, api_version, labels, annotations, spec, version,
  created_revision, updated_revision, created_at, updated_at)
SELECT uid, 'default', '${KIND}', 'default', name, 'heddle.dev/v1alpha1', '{}', '{}', (after::json->>'spec')::json, version,
  revision, revision, at, at
FROM json_to_recordset($1::json) AS r(uid text, name text, after text, version bigint, revision bigint, at timestamptz)
ON CONFLICT (uid) DO UPDATE SET spec = EXCLUDED.spec, version = EXCLUDED.version,
  updated_revision = EXCLUDED.updated_revision, updated_at = EXCLUDED.updated_at`;

function rowOf(n: number, { resources, from, everyMs, first = 0 }: BulkOptions, head: Head) {
  const name = `bulk-${n % resources}`;
  const version = Math.floor(n / resources) + 1;
  const document = (of: number): unknown =>
    of === 0 ? undefined : manifest(KIND, name, { ports: [{ name: 'http', port: 1_000 + (of % 9_000) }] });
  const [before, after] = [document(version - 1), document(version)];
  const op = version === 1 ? 'created' : 'updated';
  const uid = `uid-${name}`;
  const item = {
    op,
    uid,
    kind: KIND,
    namespace: 'default',
    name,
    version,
    before: documentHash(before),
    after: documentHash(after),
  };
  const payload: AuditPayload = {
    action: 'write',
    decision: 'applied',
    actor,
    mesh: 'default',
    message: 'bulk',
    items: [item],
  };
  const text = canonicalJson(payload);
  const at = new Date(from + (n - first) * everyMs).toISOString();
  const revision = head.revision + 1;
  const seq = head.seq + 1;
  const prev = head.hash;
  const payloadHash = sha256(text);
  const hash = envelopeHash({ at, payload: payloadHash, prev, revision, seq });
  Object.assign(head, { revision, seq, hash });
  const documents = { before: before === undefined ? null : JSON.stringify(before), after: JSON.stringify(after) };
  return {
    revision,
    seq,
    at,
    prev,
    hash,
    payload: text,
    payloadHash,
    ...columnsOf(payload),
    uid,
    op,
    name,
    version,
    ...documents,
  };
}

/** @param sql of a superuser, all of whose statements run on one connection */
export async function bulkHistory(sql: Sql, options: BulkOptions): Promise<void> {
  const [head] = await sql.query<Head>(HEAD);
  if (head === undefined) throw new Error('there is no head');
  await sql.query('SET session_replication_role = replica'); // without the trigger that wants one transaction a change
  for (let done = 0; done < options.changes; ) {
    const size = Math.min(BATCH, options.changes - done);
    const rows = Array.from({ length: size }, (_, index) => rowOf((options.first ?? 0) + done + index, options, head));
    await sql.query('BEGIN');
    await sql.query(SET_HEAD, [head.revision, head.seq, head.hash]);
    await sql.query('SELECT ensure_history_ranges()');
    const json = JSON.stringify(rows);
    for (const statement of [CHANGE, HISTORY, AUDIT]) await sql.query(statement, [json]);
    const newest = new Map(rows.map((row) => [row.uid, row]));
    await sql.query(RESOURCE, [JSON.stringify([...newest.values()])]);
    await sql.query('COMMIT');
    done += size;
    options.onProgress?.(done);
  }
  await sql.query('SET session_replication_role = origin');
}

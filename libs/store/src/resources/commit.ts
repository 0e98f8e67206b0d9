import { canonicalJson } from '#libs/kernel';
import { type AuditPayload, documentHash, sha256 } from '../audit/chain.js';
import { insertEntry, nextEntry, TRANSACTION_TIME } from '../audit/chain-sql.js';
import { columnsOf, storable } from '../audit/columns.js';
import type { Sql } from '../database.js';
import { FEED_CHANNEL } from '../feed/channel.js';
import type { WriteOutcome, WriteRequest } from '../ports.js';
import type { Step } from './evaluate.js';
import { Refused } from './refused.js';

/**
 * Everything a change writes, in one statement: the lock on the stream's row, which makes commits take turns, is held
 * for this and the COMMIT only (M7, M9). Every part reads the revision from `rev`.
 */
const COMMIT_CHANGE = `
WITH rev AS (
  ${nextEntry({ payloadHash: '$4::text', revision: 'next', onlyIf: '$12::bigint IS NULL OR revision = $12' })}
), item AS (
  SELECT i.*, rev.revision
  FROM rev, json_to_recordset($1::json) AS i(position int, op text, uid text, kind text, namespace text, name text,
    api_version text, labels text, annotations text, spec text, version bigint, before text, after text)
), created AS (
  INSERT INTO resource (uid, mesh, kind, namespace, name, api_version, labels, annotations, spec, version,
    created_revision, updated_revision, created_at, updated_at)
  SELECT uid, $2, kind, namespace, name, api_version, labels::jsonb, annotations::json, spec::json, version,
    revision, revision, ${TRANSACTION_TIME}, ${TRANSACTION_TIME}
  FROM item WHERE op = 'created'
), updated AS (
  UPDATE resource r
  SET api_version = i.api_version, labels = i.labels::jsonb, annotations = i.annotations::json, spec = i.spec::json,
      version = i.version, updated_revision = i.revision, updated_at = ${TRANSACTION_TIME}
  FROM item i WHERE i.op = 'updated' AND r.uid = i.uid AND r.version = i.version - 1
  RETURNING r.uid
), deleted AS (
  DELETE FROM resource r USING item i WHERE i.op = 'deleted' AND r.uid = i.uid AND r.version = i.version
  RETURNING r.uid
), changed AS (
  INSERT INTO change (revision, mesh, at, actor, role, ip, request_id, message, reverts)
  SELECT revision, $2, ${TRANSACTION_TIME}, a.name, a.role, a.ip, a."requestId", a.message, a.reverts
  FROM rev, json_to_record($5::json) AS a(name text, role text, ip text, "requestId" text, message text, reverts text)
  RETURNING revision
), history AS (
  INSERT INTO resource_history (revision, position, uid, op, mesh, kind, namespace, name, version, before, after)
  SELECT revision, position, uid, op, $2, kind, namespace, name, version, before::json, after::json FROM item
), logged AS (
  INSERT INTO change_log (stream, revision, position, op, uid, mesh, kind, namespace, name)
  SELECT 'config', revision, position, CASE op WHEN 'deleted' THEN 'delete' ELSE 'put' END, uid, $2, kind, namespace, name
  FROM item
), audited AS (
${insertEntry({
  ...{ from: 'rev', decision: "'applied'", payload: '$3', payloadHash: '$4' },
  ...{ action: '$9', mesh: '$2', actor: '$10', subjects: '$11::text[]' },
})}
), remembered AS (
  UPDATE idempotency i SET revision = rev.revision, change = 'c-' || rev.revision, items = $8::json
  FROM rev WHERE i.actor = $6 AND i.key = $7
)
SELECT rev.revision, pg_notify('${FEED_CHANNEL}', 'config:' || rev.revision || $13::text)::text,
  (SELECT count(*) FROM updated) + (SELECT count(*) FROM deleted) AS touched
FROM rev`;

const auditPayload = (request: WriteRequest, changes: readonly Step[]): AuditPayload => ({
  action: request.reverts === undefined ? 'write' : 'rollback',
  decision: 'applied',
  actor: request.actor,
  mesh: request.mesh,
  message: request.message,
  reverts: request.reverts,
  ...(request.forced === undefined ? {} : { reason: { code: 'forced', over: request.forced } }),
  items: changes.map((step) => ({
    op: step.op,
    uid: step.uid,
    kind: step.kind,
    namespace: step.namespace,
    name: step.name,
    version: step.version,
    before: documentHash(step.before),
    after: documentHash(step.after),
  })),
});

// Documents travel as text within the JSON: Postgres would unescape what they hold, and fail at \u0000.
const text = (document: unknown): string | null => (document === undefined ? null : JSON.stringify(document));

const itemRecord = (step: Step, position: number): object => ({
  position,
  op: step.op,
  uid: step.uid,
  kind: step.kind,
  namespace: step.namespace,
  name: step.name,
  version: step.version,
  api_version: step.after?.apiVersion,
  labels: text(step.after?.metadata.labels),
  annotations: text(step.after?.metadata.annotations),
  spec: text(step.after?.spec),
  before: text(step.before),
  after: text(step.after),
});

export interface Decided {
  readonly changes: readonly Step[];
  readonly items: WriteOutcome['items'];
  /** `traceparent` that those who hear of the change go on with. */
  readonly trace: string | undefined;
}

/** Writes the changes of a request under a new revision. @returns the revision */
export async function commitChange(
  sql: Sql,
  request: WriteRequest,
  { changes, items, trace }: Decided,
): Promise<number> {
  const audited = auditPayload(request, changes);
  const payload = canonicalJson(audited);
  const { action, actor, subjects } = columnsOf(audited);
  const about = { ...request.actor, message: storable(request.message), reverts: request.reverts };
  const [done] = await sql.query<{ revision: number; touched: number }>(COMMIT_CHANGE, [
    JSON.stringify(changes.map(itemRecord)),
    request.mesh,
    payload,
    sha256(payload),
    JSON.stringify(about),
    request.actor.name,
    request.idempotencyKey ?? null,
    JSON.stringify(items),
    action,
    actor,
    subjects,
    request.ifRevision ?? null,
    trace === undefined ? '' : ` ${trace}`,
  ]);
  if (done === undefined && request.ifRevision !== undefined) throw new Refused({ code: 'revision-moved' });
  const expected = changes.filter((step) => step.op !== 'created').length;
  // The rows are locked, so this is a bug, not a conflict: roll back rather than audit what did not happen.
  if (done === undefined || done.touched !== expected) throw new Error('a locked resource changed its version');
  return done.revision;
}

import { instanceSpecOf } from '#libs/model';
import type { Sql } from '../database.js';
import { FEED_CHANNEL } from '../feed/channel.js';
import type { InstanceState } from './rows.js';

/** What a transaction does to one instance. */
export interface InstanceWrite {
  readonly op: 'created' | 'updated' | 'deleted';
  /** After the write; before it for `deleted`. */
  readonly state: InstanceState;
}

export interface InstanceEvent {
  readonly state: InstanceState;
  readonly op: string;
  readonly detail: string;
}

// As for resources: the stream's row is locked for this statement and the COMMIT only.
const COMMIT_INSTANCES = `
WITH rev AS (
  UPDATE stream SET revision = revision + 1 WHERE stream = 'runtime' RETURNING revision
), item AS (
  SELECT i.*, rev.revision
  FROM rev, json_to_recordset($1::json) AS i(position int, op text, uid text, mesh text, namespace text, name text,
    workload text, spec json, features jsonb, envoy_version text, attached jsonb, routable boolean, leaving boolean,
    leaving_at bigint, detached_at bigint)
), created AS (
  INSERT INTO instance (uid, mesh, namespace, name, workload, spec, features, envoy_version, attached, routable, leaving,
    leaving_at, detached_at, runtime_revision)
  SELECT uid, mesh, namespace, name, workload, spec, features, envoy_version, attached, routable, leaving,
    leaving_at, detached_at, revision
  FROM item WHERE op = 'created'
), updated AS (
  UPDATE instance t
  SET workload = i.workload, spec = i.spec, features = i.features, envoy_version = i.envoy_version, attached = i.attached,
      routable = i.routable, leaving = i.leaving, leaving_at = i.leaving_at, detached_at = i.detached_at,
      runtime_revision = i.revision
  FROM item i WHERE i.op = 'updated' AND t.uid = i.uid
), deleted AS (
  DELETE FROM instance t USING item i WHERE i.op = 'deleted' AND t.uid = i.uid
), logged AS (
  INSERT INTO change_log (stream, revision, position, op, uid, mesh, kind, namespace, name)
  SELECT 'runtime', revision, position, CASE op WHEN 'deleted' THEN 'delete' ELSE 'put' END, uid, mesh, '', namespace, name
  FROM item
), happened AS (
  INSERT INTO instance_event (runtime_revision, position, uid, mesh, namespace, name, op, detail)
  SELECT rev.revision, e.position, e.uid, e.mesh, e.namespace, e.name, e.op, e.detail
  FROM rev, json_to_recordset($2::json) AS e(position int, uid text, mesh text, namespace text, name text, op text, detail text)
)
SELECT rev.revision, pg_notify('${FEED_CHANNEL}', 'runtime:' || rev.revision)::text FROM rev`;

const writeRecord = ({ op, state }: InstanceWrite, position: number): object => ({
  position,
  op,
  uid: state.uid,
  mesh: state.mesh,
  namespace: state.namespace,
  name: state.name,
  workload: state.workload,
  spec: instanceSpecOf(state),
  features: state.features,
  envoy_version: state.envoyVersion,
  attached: state.attached,
  routable: state.routable,
  leaving: state.leaving,
  leaving_at: Math.round(state.leavingAt),
  detached_at: Math.round(state.detachedAt),
});

const eventRecord = ({ state, op, detail }: InstanceEvent, position: number): object => ({
  position,
  uid: state.uid,
  mesh: state.mesh,
  namespace: state.namespace,
  name: state.name,
  op,
  detail,
});

/** Writes under a new runtime revision. @returns the revision */
export async function commitInstances(
  sql: Sql,
  writes: readonly InstanceWrite[],
  events: readonly InstanceEvent[],
): Promise<number> {
  const [done] = await sql.query<{ revision: number }>(COMMIT_INSTANCES, [
    JSON.stringify(writes.map(writeRecord)),
    JSON.stringify(events.map(eventRecord)),
  ]);
  return done?.revision ?? 0;
}

import { type InstanceRecord, toInstanceRow, toInstanceState } from '../instances/rows.js';
import type { FeedEvent } from '../ports.js';
import { type ResourceRow, toStoredResource } from '../resources/rows.js';
import type { Position } from './position.js';

type Delta = FeedEvent & { kind: 'delta' };
type ResourceEvent = Delta['resources'][number];
type InstanceEvent = Delta['instances'][number];

/** A key of the log, with what is stored under it now. */
export type Found<Row> = {
  readonly of_mesh: string;
  readonly of_kind: string;
  readonly of_namespace: string;
  readonly of_name: string;
} & (Row | { readonly uid: null });

export const addressKey = (a: { mesh: string; namespace: string; name: string }): string =>
  `${a.mesh}/${a.namespace}/${a.name}`;

const toResourceEvent = (row: Found<ResourceRow>): ResourceEvent =>
  row.uid === null
    ? { op: 'delete', mesh: row.of_mesh, kind: row.of_kind, namespace: row.of_namespace, name: row.of_name }
    : { op: 'put', resource: toStoredResource(row) };

const toInstanceEvent = (row: Found<InstanceRecord>): InstanceEvent =>
  row.uid === null
    ? { op: 'delete', mesh: row.of_mesh, namespace: row.of_namespace, name: row.of_name }
    : { op: 'put', instance: toInstanceRow(toInstanceState(row)) };

/** What was touched, as it is stored now. */
export interface Touched {
  readonly resources: readonly (Found<ResourceRow> & { readonly number: number | null })[];
  readonly instances: readonly Found<InstanceRecord>[];
  readonly candidates?: Delta['candidates'];
  readonly badContents?: Delta['badContents'];
}

/** The event of the feed that says what was touched. */
export function toDelta(
  heads: Position,
  { resources, instances, candidates = new Map(), badContents }: Touched,
): FeedEvent {
  const numbered = resources.flatMap((row) =>
    row.number === null
      ? []
      : [[addressKey({ mesh: row.of_mesh, namespace: row.of_namespace, name: row.of_name }), row.number] as const],
  );
  return {
    kind: 'delta',
    configRevision: heads.config,
    runtimeRevision: heads.runtime,
    resources: resources.map(toResourceEvent),
    instances: instances.map(toInstanceEvent),
    addresses: new Map(numbered),
    candidates,
    badContents,
  };
}

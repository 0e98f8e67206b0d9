import type { Manifest } from '#libs/model';
import type { StoredResource } from '../ports.js';

/** A row of `resource` as Postgres returns it. */
export interface ResourceRow {
  readonly uid: string;
  readonly mesh: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly api_version: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly spec: Record<string, unknown>;
  readonly version: number;
  readonly created_revision: number;
  readonly updated_revision: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const toStoredResource = (row: ResourceRow): StoredResource => ({
  uid: row.uid,
  mesh: row.mesh,
  kind: row.kind,
  namespace: row.namespace,
  name: row.name,
  apiVersion: row.api_version,
  labels: row.labels,
  annotations: row.annotations,
  spec: row.spec,
  version: row.version,
  createdRevision: row.created_revision,
  updatedRevision: row.updated_revision,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

/** The document of a row, as history keeps it. */
export const toManifest = (row: ResourceRow): Manifest => ({
  apiVersion: row.api_version,
  kind: row.kind,
  metadata: { name: row.name, namespace: row.namespace, labels: row.labels, annotations: row.annotations },
  spec: row.spec,
});

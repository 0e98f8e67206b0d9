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
  /** Only where the feed reads, and only of a resource in quarantine. */
  readonly bad_revision?: number | null;
  readonly use_revision?: number | null;
  readonly bad_reason?: string | null;
  readonly bad_since?: Date | null;
  readonly good_document?: Manifest | null;
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
  ...quarantineOf(row),
});

function quarantineOf(row: ResourceRow): Pick<StoredResource, 'quarantine'> {
  const { bad_revision: badRevision, use_revision: useRevision, good_document: document } = row;
  if (badRevision === undefined || badRevision === null) return {};
  const at = row.bad_since?.toISOString() ?? '';
  const reason = row.bad_reason ?? '';
  return {
    quarantine: { badRevision, useRevision: useRevision ?? 0, reason, at, document: document ?? undefined },
  };
}

/** The document of a row, as history keeps it. */
export const toManifest = (row: ResourceRow): Manifest => ({
  apiVersion: row.api_version,
  kind: row.kind,
  metadata: { name: row.name, namespace: row.namespace, labels: row.labels, annotations: row.annotations },
  spec: row.spec,
});

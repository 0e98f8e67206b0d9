import type { ChangeOutcome } from '#libs/changes';
import type { StoredResource } from '#libs/store';
import type { ResourceCondition } from './ports.js';

/** A resource as answers carry it: its manifest, with what the server knows of it. */
export interface ResourceView {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    /** Absent for kinds of the whole mesh. */
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly uid: string;
    readonly version: number;
    /** Config revision of its last write. */
    readonly revision: number;
    readonly createdAt: string;
    readonly updatedAt: string;
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: {
    readonly conditions: readonly ResourceCondition[];
    /** In the answer to a write: id of the change, '' when nothing changed, and its warnings. */
    readonly change?: string;
    readonly warnings?: ChangeOutcome['warnings'];
  };
}

export function viewOf(
  resource: StoredResource,
  conditions: readonly ResourceCondition[],
  outcome?: ChangeOutcome,
): ResourceView {
  const { name, namespace, labels, annotations, uid, version, createdAt, updatedAt } = resource;
  return {
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    metadata: {
      name,
      ...(namespace === '' ? {} : { namespace }),
      labels,
      annotations,
      uid,
      version,
      revision: resource.updatedRevision,
      createdAt,
      updatedAt,
    },
    spec: resource.spec,
    status: { conditions, ...(outcome === undefined ? {} : { change: outcome.change, warnings: outcome.warnings }) },
  };
}

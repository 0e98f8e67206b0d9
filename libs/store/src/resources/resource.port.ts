/** The part of the contract that is about stored manifests. */
import type { Manifest } from '#libs/model';
import type { ServedQuarantine } from '../quarantine/quarantine.port.js';
import type { StagedWrite } from '../staged/staged-write.port.js';
import type { Actor, Page } from '../values.port.js';

/** A stored manifest. `spec` is what the user wrote, parsed; it is parsed again by its kind on every read. */
export interface StoredResource {
  /** Never reused; survives updates. */
  readonly uid: string;
  readonly mesh: string;
  readonly kind: string;
  /** '' for kinds of the whole mesh. */
  readonly namespace: string;
  readonly name: string;
  readonly apiVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  /** Counts writes to this resource from 1; the ETag. */
  readonly version: number;
  /** Config revision of its creation and of its last write. */
  readonly createdRevision: number;
  readonly updatedRevision: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** From the feed alone: it cannot be evaluated, and this is served in its place. */
  readonly quarantine?: ServedQuarantine | undefined;
}

export type WriteItem =
  | {
      readonly op: 'put';
      readonly manifest: Manifest;
      readonly ifVersion?: number | undefined;
      readonly hostnames?: readonly string[];
    }
  | {
      readonly op: 'delete';
      readonly kind: string;
      readonly namespace: string;
      readonly name: string;
      readonly ifVersion?: number | undefined;
    };

export interface SeenVersion {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
}

export interface WriteRequest {
  readonly mesh: string;
  readonly actor: Actor;
  readonly message: string;
  readonly items: readonly WriteItem[];
  /** Two requests with the same key within 24 h are one (REL-39). */
  readonly idempotencyKey?: string | undefined;
  /**
   * Versions of the rows by which the write was permitted; 0 = there was none. Refused as `version-conflict` when one of
   * them is another by now. They are among the items.
   */
  readonly seen?: readonly SeenVersion[] | undefined;
  /** For a change that goes back: the change it reverts. */
  readonly reverts?: string | undefined;
  /** What spoke against it and was overruled: a reason for the audit. */
  readonly forced?: unknown;
  /** Refused unless the config revision is still this one, in any mesh: what was decided on it would have to be decided again. */
  readonly ifRevision?: number | undefined;
  /** What it has to do with a staged change. */
  readonly staged?: StagedWrite | undefined;
}

export interface WriteOutcome {
  /** Id of the change, `c-<revision>`; '' when nothing changed. */
  readonly change: string;
  /** Config revision after it. */
  readonly revision: number;
  /** The staged change that watches it, if it was asked for. */
  readonly staged?: string | undefined;
  readonly items: readonly {
    readonly op: 'created' | 'updated' | 'unchanged' | 'deleted';
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly version: number;
  }[];
}

/** Expected refusals of the store. */
export type StoreRefusal =
  | {
      readonly code: 'version-conflict';
      readonly kind: string;
      readonly namespace: string;
      readonly name: string;
      readonly current: number;
    }
  | { readonly code: 'not-found'; readonly kind: string; readonly namespace: string; readonly name: string }
  | { readonly code: 'hostname-taken'; readonly hostname: string; readonly namespace: string; readonly name: string }
  | { readonly code: 'idempotency-mismatch'; readonly key: string }
  /** An open staged change holds this resource. */
  | {
      readonly code: 'staged';
      readonly change: string;
      readonly kind: string;
      readonly namespace: string;
      readonly name: string;
    }
  /** For a write with `staged`: it has ended meanwhile, or was never there. */
  | { readonly code: 'staged-moved'; readonly change: string }
  /** A change that would change nothing cannot be staged. */
  | { readonly code: 'unchanged' }
  /** Only for a request with `ifRevision`. Not audited: its sender looks again. */
  | { readonly code: 'revision-moved' };

export interface ListQuery {
  readonly mesh: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** 1 to 500. */
  readonly limit: number;
  /** Opaque, from the page before. */
  readonly cursor?: string | undefined;
}

/** The resources of a mesh as they were. */
export interface MeshThen {
  /** Of those that were deleted or replaced since, `uid` and times are ''; revisions are 0 where history was cut. */
  readonly resources: readonly StoredResource[];
  /** Newest config revision, of any mesh. */
  readonly head: number;
}

export interface Resources {
  /** Every resource of the mesh as it was after a config revision, in one snapshot. Costs the mesh, and the changes since. */
  asOf(mesh: string, revision: number): Promise<MeshThen>;
  write(request: WriteRequest): Promise<{ ok: true; value: WriteOutcome } | { ok: false; error: StoreRefusal }>;
  get(mesh: string, kind: string, namespace: string, name: string): Promise<StoredResource | undefined>;
  list(query: ListQuery): Promise<Page<StoredResource>>;
  /** Resources of every kind that have all of these labels, by kind, namespace and name. */
  labelled(mesh: string, labels: Readonly<Record<string, string>>): Promise<readonly StoredResource[]>;
  meshes(): Promise<readonly string[]>;
}

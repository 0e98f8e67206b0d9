/** The store's contract: what the rest of Heddle may ask of Postgres, in plain values. */
import type { InstanceSpec, Manifest } from '#libs/model';
import type { Authorities, Progress, Tokens } from './administration.port.js';
import type { AuditTrail, AuditVerdict } from './audit/audit.port.js';
import type { History } from './audit/history.port.js';
import type { Leases } from './leases/lease.port.js';
import type { Past, Plans } from './plan.port.js';
import type { BadContent, BadContents } from './quarantine/content.port.js';
import type { Quarantines, ServedQuarantine } from './quarantine/quarantine.port.js';
import type { Actor, Page } from './values.port.js';

export type * from './administration.port.js';
export type * from './audit/audit.port.js';
export type * from './audit/history.port.js';
export type * from './leases/lease.port.js';
export type * from './plan.port.js';
export type * from './quarantine/content.port.js';
export type * from './quarantine/quarantine.port.js';
export type * from './values.port.js';

/** `config`: admin writes, audited. `runtime`: instances and health, not audited. */
export type StreamName = 'config' | 'runtime';

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
  /** Refused unless the config revision is still this one, in any mesh: what was decided on it would have to be decided again. */
  readonly ifRevision?: number | undefined;
}

export interface WriteOutcome {
  /** Id of the change, `c-<revision>`; '' when nothing changed. */
  readonly change: string;
  /** Config revision after it. */
  readonly revision: number;
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
  /** Only for a request with `ifRevision`. Not audited: its sender looks again. */
  | { readonly code: 'revision-moved' };

/** Thrown when Postgres is away, full, or a lock could not be had in time: nothing was written. REST answers 503 with Retry-After. */
export class StoreUnavailable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}

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

export interface Resources {
  write(request: WriteRequest): Promise<{ ok: true; value: WriteOutcome } | { ok: false; error: StoreRefusal }>;
  get(mesh: string, kind: string, namespace: string, name: string): Promise<StoredResource | undefined>;
  list(query: ListQuery): Promise<Page<StoredResource>>;
  /** Resources of every kind that have all of these labels, by kind, namespace and name. */
  labelled(mesh: string, labels: Readonly<Record<string, string>>): Promise<readonly StoredResource[]>;
  meshes(): Promise<readonly string[]>;
}

export interface Attachment {
  readonly replica: string;
  readonly epoch: string;
  readonly stream: number;
}

export interface InstanceRow extends InstanceSpec {
  readonly uid: string;
  /** Features of its Envoy, persisted so that plans are the same for offline proxies. Empty until it first connected. */
  readonly features: readonly string[];
  readonly envoyVersion: string;
  readonly attached: readonly Attachment[];
  /** Serves traffic: attached, inbound listener and secret ACKed, not leaving. */
  readonly routable: boolean;
  /** Set when it was explicitly deregistered: leaves every endpoint list. */
  readonly leaving: boolean;
  /** Milliseconds since the epoch by Postgres's clock of the last detach; 0 while attached. */
  readonly detachedAt: number;
  readonly runtimeRevision: number;
}

export type InstanceTransition =
  | {
      readonly op: 'attach';
      readonly mesh: string;
      readonly namespace: string;
      readonly name: string;
      readonly attachment: Attachment;
      readonly envoyVersion: string;
      readonly features: readonly string[];
    }
  | {
      readonly op: 'detach';
      readonly mesh: string;
      readonly namespace: string;
      readonly name: string;
      readonly attachment: Attachment;
    }
  | {
      readonly op: 'routable';
      readonly mesh: string;
      readonly namespace: string;
      readonly name: string;
      readonly routable: boolean;
    }
  | { readonly op: 'leave'; readonly mesh: string; readonly namespace: string; readonly name: string }
  | {
      readonly op: 'remove';
      readonly mesh: string;
      readonly namespace: string;
      readonly name: string;
      readonly reason: string;
    };

export interface Instances {
  /** Creates or replaces; keeps attachments. Unique by (mesh, namespace, name). */
  register(spec: InstanceSpec, actor: Actor): Promise<InstanceRow>;
  get(mesh: string, namespace: string, name: string): Promise<InstanceRow | undefined>;
  list(mesh: string, namespace?: string): Promise<readonly InstanceRow[]>;
  /** Those that say they run on this host. */
  onHost(mesh: string, host: string): Promise<readonly InstanceRow[]>;
  /** Group-committed: the first leaves at once, later ones gather while a commit is in flight. Resolves once committed, with the runtime revision. */
  transition(t: InstanceTransition): Promise<number>;
  /** Removes rows that are leaving, or detached for longer than the given time, under the mass-removal guard (10 % of a service, 5 % of a mesh). Returns what went. */
  sweep(options: {
    readonly detachedForMs: number;
    readonly removeLeavingAfterMs: number;
  }): Promise<readonly InstanceRow[]>;
}

export interface Snapshot {
  readonly configRevision: number;
  readonly runtimeRevision: number;
  readonly resources: readonly StoredResource[];
  readonly instances: readonly InstanceRow[];
  /** Numbers allocated to services, by `<mesh>/<namespace>/<service>`. */
  readonly addresses: ReadonlyMap<string, number>;
  /** Of all meshes. */
  readonly badContents?: readonly BadContent[];
}

export type FeedEvent =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | {
      readonly kind: 'delta';
      readonly configRevision: number;
      readonly runtimeRevision: number;
      readonly resources: readonly (
        | { readonly op: 'put'; readonly resource: StoredResource }
        | {
            readonly op: 'delete';
            readonly mesh: string;
            readonly kind: string;
            readonly namespace: string;
            readonly name: string;
          }
      )[];
      readonly instances: readonly (
        | { readonly op: 'put'; readonly instance: InstanceRow }
        | { readonly op: 'delete'; readonly mesh: string; readonly namespace: string; readonly name: string }
      )[];
      readonly addresses: ReadonlyMap<string, number>;
      /** All of them, when they may be others. */
      readonly badContents?: readonly BadContent[] | undefined;
    };

/**
 * The feed of committed changes. Wakes on NOTIFY, polls every 2 s as a net, reads what is newer in one REPEATABLE READ
 * snapshot. The first event is a snapshot; a gap or a new epoch gives another snapshot.
 */
export interface Feed {
  start(listener: (event: FeedEvent) => void): Promise<void>;
  /** Looks now; resolves when everything committed before the call has been handed to the listener. */
  poke(): Promise<void>;
  /** False while Postgres cannot be reached. */
  readonly connected: boolean;
  stop(): Promise<void>;
}

/** Identity of the database, kept by each replica in its data directory (REL-4, REL-5). */
export interface DatabaseIdentity {
  readonly clusterId: string;
  readonly epoch: string;
  readonly configRevision: number;
  readonly schemaVersion: number;
}

export interface Store {
  readonly resources: Resources;
  readonly instances: Instances;
  readonly feed: Feed;
  readonly tokens: Tokens;
  readonly authorities: Authorities;
  readonly progress: Progress;
  readonly past: Past;
  readonly plans: Plans;
  readonly history: History;
  readonly audit: AuditTrail;
  readonly leases: Leases;
  readonly quarantine: Quarantines;
  readonly badContents: BadContents;
  identity(): Promise<DatabaseIdentity>;
  /** The whole of `audit.verify()`. */
  verifyAudit(): Promise<AuditVerdict>;
  /** True if a trivial statement succeeds within a second. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

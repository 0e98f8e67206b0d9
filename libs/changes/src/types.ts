import type { Tracer, Violation } from '#libs/kernel';
import type { Manifest, Registry, ResourceId } from '#libs/model';
import type { Actor, StagedOptions, Store, WriteOutcome } from '#libs/store';
import type { Authorize, Denial } from './authorize.js';
import type { LiveMeshes } from './live.js';
import type { ToldObstacle } from './two-sided/told.js';

/** A violation with the resource it belongs to: an answer may be about many documents. */
export interface ResourceViolation extends Violation {
  /** As far as the document names it; parts that it does not name are ''. */
  readonly resource: ResourceId;
  /** Index in the request's list of documents; undefined for a deletion. */
  readonly document: number | undefined;
}

/** A remark about an accepted write: unresolved references, shadowed policies, ignored members. */
export type ResourceWarning = Omit<ResourceViolation, 'document' | 'severity'> & {
  /** Another resource, which the message names. */
  readonly by?: ResourceId | undefined;
};

/** Names a resource that a request deletes. */
export interface Deletion extends ResourceId {
  /** Refused unless this is its version; undefined = whatever it is. */
  readonly ifVersion?: number | undefined;
}

/** What every write has. */
export interface WriteContext {
  readonly mesh: string;
  readonly actor: Actor;
  /** Whether the actor may write what is proposed: asked also for what follows from a label or history. */
  readonly authorize: Authorize;
  /** Whether the actor may be told of a resource by name, when another one is in his way. Default: of none. */
  readonly mayKnow?: ((namespace: string) => boolean) | undefined;
  /** Why, in the author's words; shown by history. May be ''. */
  readonly message: string;
  /** Two requests with the same key within 24 h are one (REL-39). */
  readonly idempotencyKey?: string | undefined;
  /** Checks everything, writes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Overrules what stands against a change with two sides; audited. Default false. */
  readonly force?: boolean | undefined;
  /** Made for some first, or watched, and taken back by itself; undefined = it is everybody's, for good. */
  readonly trial?: StagedOptions | undefined;
}

/** One resource that a request would write. */
export interface IntendedWrite extends ResourceId {
  readonly op: 'create' | 'update' | 'delete' | 'unchanged';
  /** As it is, and as it would be; undefined where there is none. */
  readonly before: Manifest | undefined;
  readonly after: Manifest | undefined;
}

export interface ApplyRequest extends WriteContext {
  /** Manifests of any kind, as parsed from JSON or YAML; nothing is assumed of them. */
  readonly documents: readonly unknown[];
  readonly deletes?: readonly Deletion[] | undefined;
}

export interface PutRequest extends WriteContext {
  readonly id: ResourceId;
  readonly document: unknown;
  /** Refused unless this is its version; 0 = it must not exist; undefined = whatever it is. */
  readonly ifVersion?: number | undefined;
}

export interface PatchRequest extends WriteContext {
  readonly id: ResourceId;
  /** JSON merge patch (RFC 7396) of the manifest. */
  readonly patch: unknown;
  readonly ifVersion?: number | undefined;
}

export interface DeleteRequest extends WriteContext {
  readonly id: ResourceId;
  readonly ifVersion?: number | undefined;
}

export interface ChangeOutcome extends WriteOutcome {
  readonly warnings: readonly ResourceWarning[];
}

/** Expected refusals; nothing was written. */
export type ChangeRefusal =
  /** At least one document is wrong; every violation of every document is here. */
  | { readonly code: 'invalid'; readonly violations: readonly ResourceViolation[] }
  /** `current` is the version in the store; 0 = it does not exist. */
  | { readonly code: 'version-conflict'; readonly resource: ResourceId; readonly current: number }
  | { readonly code: 'not-found'; readonly resource: ResourceId }
  /** The actor may not write these; nothing else of the request was written either. */
  | { readonly code: 'forbidden'; readonly denials: readonly Denial[] }
  /** An open staged change holds the resource: whoever has that change would no longer have what everybody is given. */
  | { readonly code: 'staged'; readonly resource: ResourceId; readonly change: string }
  /** The staged change has ended, or took another step, meanwhile. */
  | { readonly code: 'staged-moved'; readonly change: string }
  /** Some proxies must not have these before others: no share of them can try. */
  | { readonly code: 'splits-pairs'; readonly resources: readonly ResourceId[] }
  /** As things are now it would cut somebody off; `force` overrules that. In words that the caller may read; at least one. */
  | { readonly code: 'two-sided'; readonly obstacles: readonly ToldObstacle[] }
  /** There is nothing to stage. */
  | { readonly code: 'unchanged' }
  /** The idempotency key was used for a different request. */
  | { readonly code: 'idempotency-mismatch'; readonly key: string };

export interface ChangesDeps {
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer | undefined;
  readonly registry: Registry;
  readonly store: Pick<
    Store,
    | 'resources'
    | 'identity'
    | 'history'
    | 'past'
    | 'plans'
    | 'staged'
    | 'leases'
    | 'plaintext'
    | 'instances'
    | 'progress'
  >;
  readonly live: LiveMeshes;
}

/** The part of the contract that is about resources whose newest revision cannot be evaluated (REL-25). */
import type { Labels, Manifest, ResourceId } from '#libs/model';
import type { Lease } from '../leases/lease.port.js';
import type { Actor } from '../values.port.js';

/** Says what everybody serves instead of the newest revision of a resource. It ends with the next write of it. */
export interface Quarantine {
  /** Config revision of the last write, which cannot be evaluated. */
  readonly badRevision: number;
  /** The last one before it that can; 0 = there is none. */
  readonly useRevision: number;
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
}

/** As the feed delivers it: with the document of `useRevision`. */
export interface ServedQuarantine extends Quarantine {
  readonly document: Manifest | undefined;
}

export interface QuarantinedResource extends Quarantine, ResourceId {
  readonly uid: string;
  readonly mesh: string;
  /** Those that the resource has now. */
  readonly labels: Labels;
}

/** What the resource was before a revision. */
export interface FormerRevision {
  readonly uid: string;
  readonly revision: number;
  readonly manifest: Manifest;
}

export interface NewQuarantine {
  readonly uid: string;
  readonly badRevision: number;
  /** Undefined = no revision is good. */
  readonly use: Pick<FormerRevision, 'revision' | 'manifest'> | undefined;
  readonly reason: string;
}

export interface Quarantines {
  /** Those in force, by kind, namespace and name. */
  list(mesh: string): Promise<readonly QuarantinedResource[]>;
  /** Revisions of each resource before the given one, as far as history reaches: newest first, so many of each at most. */
  former(
    resources: readonly { readonly uid: string; readonly before: number }[],
    each: number,
  ): Promise<readonly FormerRevision[]>;
  /**
   * Puts a resource in quarantine, with an audit entry and a config revision of their own.
   * @returns false, with nothing done, when it has been written meanwhile, is in this quarantine already, or a newer build
   * has brought the schema up to date, which may well be able to read it
   * @throws LeaseLost; StoreUnavailable
   */
  put(lease: Lease, quarantine: NewQuarantine): Promise<boolean>;
  /** Takes it out again: the newest revision counts. @returns false when it was not in quarantine */
  release(mesh: string, uid: string, actor: Actor): Promise<boolean>;
}

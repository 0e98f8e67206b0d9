import type { Extent, Manifest, ResourceId } from '#libs/model';

/** One resource that is about to be written, as it is now and as it will be. */
export interface ProposedWrite {
  readonly id: ResourceId;
  /** Undefined = it is not there. */
  readonly before: Manifest | undefined;
  /** Undefined = it goes. */
  readonly after: Manifest | undefined;
}

/** A write that the caller may not make. */
export interface Denial {
  readonly resource: ResourceId;
  /** What he would have to hold. */
  readonly missing: Extent;
  /** The caller must not learn whether the resource exists: to him it is not there. */
  readonly hidden: boolean;
  /** Why this is needed, where it is not the resource itself. */
  readonly reason?: string | undefined;
}

export interface WriteVerdict {
  /** Empty = everything may be written. */
  readonly denials: readonly Denial[];
  /** Resources whose present labels or contents decided: the verdict holds for the versions that were looked at. */
  readonly decidedBy: readonly ResourceId[];
}

/**
 * Asks for each resource whether the present caller may write it. Called at the moment of the act, by everything that
 * writes: apply, confirm, promote, rollback and prune alike. A plan that was permitted permits nothing later.
 * @throws StoreUnavailable
 */
export type Authorize = (writes: readonly ProposedWrite[]) => Promise<WriteVerdict>;

/** For what the control plane does by itself: revert when nobody confirmed. */
export const bySystem: Authorize = () => Promise.resolve({ denials: [], decidedBy: [] });

/** The part of the contract that is about the delivery of changes to proxies. */

/** A proxy that refuses a resource, in Envoy's own words. */
export interface RefusedDelivery {
  readonly proxy: string;
  readonly type: string;
  readonly name: string;
  readonly message: string;
}

/** A proxy that has not answered for a while. */
export interface LateDelivery {
  readonly proxy: string;
  /** Milliseconds that it has had something to answer. */
  readonly sinceMs: number;
}

/** How far a change has come at one replica. */
export interface ReplicaProgress {
  readonly replica: string;
  /** Proxies that had something to receive and are still there. */
  readonly total: number;
  /** Of those, how many have all of it. */
  readonly acked: number;
  /** Of those, how many refuse some of it: the rest has not answered. */
  readonly refusing: number;
  /** Milliseconds from the publication to the newest answer. */
  readonly elapsedMs: number;
  readonly refused: readonly RefusedDelivery[];
  /** Only who is behind for long. */
  readonly behind: readonly LateDelivery[];
}

export interface ProgressRow extends ReplicaProgress {
  readonly mesh: string;
  /** Config revision. */
  readonly change: number;
}

/** What is known of a change at a replica. */
export interface KnownProgress {
  readonly change: number;
  readonly replica: string;
  /** It serves proxies and was seen in the last 15 s. */
  readonly alive: boolean;
  /** Undefined = it has not come to this change yet. That of a later change, if it has come to several at once. */
  readonly progress: ReplicaProgress | undefined;
}

/** Days that the delivery of a change is known. */
export const PROGRESS_KEPT_DAYS = 30;

export interface Progress {
  /** Takes the place of what this replica has reported of these changes. */
  save(rows: readonly ProgressRow[]): Promise<void>;
  /** As `save`, for changes that were there before this process: what an earlier one has seen answered by all stays. */
  begin(rows: readonly ProgressRow[]): Promise<void>;
  /** Ends what an earlier process of this replica has left unfinished, but for the newest change of each mesh. */
  resume(replica: string): Promise<void>;
  /** For each change every replica that is alive, and of others those that have reported it. */
  of(mesh: string, changes: readonly number[]): Promise<readonly KnownProgress[]>;
}

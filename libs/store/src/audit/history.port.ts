/** The part of the contract that is about the past of resources. */
import type { Labels, Manifest, ResourceId } from '#libs/model';

export interface HistoryEntry {
  readonly change: string;
  readonly revision: number;
  readonly at: string;
  readonly actor: string;
  readonly message: string;
  readonly reverts?: string | undefined;
  readonly items: readonly {
    readonly op: 'created' | 'updated' | 'deleted';
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly before: unknown;
    readonly after: unknown;
  }[];
}

export interface HistoryQuery {
  readonly mesh: string;
  /** 1 to 500 changes. */
  readonly limit: number;
  /** Only changes older than this config revision. */
  readonly before?: number | undefined;
  readonly actor?: string | undefined;
  readonly resource?: ResourceId | undefined;
  /** RFC 3339; at or after, and before. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** A resource as it was. */
export interface PastResource {
  /** Config revision that wrote it; 0 when history no longer says. */
  readonly revision: number;
  readonly version: number;
  readonly manifest: Manifest;
}

/** A resource whose writer is asked for. */
export interface WrittenResource extends ResourceId {
  /** Config revision of the write that is meant; undefined = the last one. */
  readonly revision?: number | undefined;
}

/** Who wrote a resource. Undefined is what is not known: of what is not there any more, or once history was cut. */
export interface Origin {
  /** Those that it has now. */
  readonly labels: Labels | undefined;
  readonly revision: number | undefined;
  readonly change: string | undefined;
  readonly actor: string | undefined;
  readonly at: string | undefined;
}

export interface History {
  /** Newest first. */
  list(query: HistoryQuery): Promise<readonly HistoryEntry[]>;
  /** The resource as it was after the revision; undefined when it did not exist. */
  at(mesh: string, id: ResourceId, revision: number): Promise<PastResource | undefined>;
  /** Who wrote each of these, in their order. */
  origins(mesh: string, resources: readonly WrittenResource[]): Promise<readonly Origin[]>;
  /** Oldest revision whose state can be read: 0 unless history was cut. */
  floor(): Promise<number>;
}

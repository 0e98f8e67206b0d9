/** The part of the contract that is about what proxies ran: contents, sets of them, and when a proxy held which. */

/** One content of one Envoy resource: `CDS`, `LDS`, `SRDS` or `RDS`. Never endpoints, never secrets. */
export interface NewArtifact {
  readonly mesh: string;
  readonly type: string;
  /** Content hash of the bytes. */
  readonly hash: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Config revision with which a proxy was first seen to hold it. */
  readonly revision: number;
}

/** Type, name and content hash of a resource. In a difference, the hash '' says that it is gone. */
export type HeldEntry = readonly [type: string, name: string, hash: string];

/** A set of contents. */
export interface NewManifest {
  readonly mesh: string;
  /** Of the whole set. */
  readonly hash: string;
  /** Hash of a whole set that `entries` differ from; undefined = `entries` are the set. */
  readonly base: string | undefined;
  readonly entries: readonly HeldEntry[];
}

/** What a proxy refused, and runs the content before it instead. */
export interface Pin {
  readonly type: string;
  readonly name: string;
  /** Hash of the refused content. */
  readonly hash: string;
  /** Envoy's words. */
  readonly message: string;
}

/** What a proxy holds. */
export interface Held {
  /** Hash of the set that it has in common with its class. */
  readonly manifest: string;
  /** Hash of the set that is its own. */
  readonly own: string;
  readonly pins: readonly Pin[];
  /** Config revision up to which it has everything that concerns it. */
  readonly revision: number;
}

/** From then on a proxy holds something else, or is not attached to the replica any more. */
export interface SpanStart {
  readonly mesh: string;
  /** `<namespace>/<name>` */
  readonly instance: string;
  /** Milliseconds before the write. */
  readonly agoMs: number;
  /** Undefined: what it holds is not known from here on. */
  readonly held: Held | undefined;
}

export interface SpanBatch {
  readonly artifacts: readonly NewArtifact[];
  readonly manifests: readonly NewManifest[];
  /** Of one instance the oldest first. */
  readonly starts: readonly SpanStart[];
}

/** A time: RFC 3339, or so many milliseconds ago by Postgres's clock. */
export type When = { readonly time: string } | { readonly agoMs: number };

/** A time in which a proxy held the same. */
export interface Span extends Held {
  readonly replica: string;
  /** RFC 3339. */
  readonly since: string;
  /** Undefined: it still does. */
  readonly until: string | undefined;
}

export interface SpanAt {
  /** The time that was asked about and the present one, RFC 3339. */
  readonly at: string;
  readonly now: string;
  /** The one of then, else the last before it; undefined = nothing is known before. */
  readonly span: Span | undefined;
  /** `since` of the next one. */
  readonly next: string | undefined;
}

/** A resource of a set. */
export interface HeldResource {
  readonly type: string;
  readonly name: string;
  readonly hash: string;
  /** Config revision and time (RFC 3339) of the content's first confirmation by any proxy; undefined = it is not stored. */
  readonly revision: number | undefined;
  readonly firstSeen: string | undefined;
}

/** What the log of instances says of one at a time. */
export interface InstanceThen {
  readonly namespace: string;
  readonly name: string;
  readonly routable: boolean;
}

/** What proxies ran: kept 30 days after they ceased to. */
export interface Spans {
  /**
   * In one transaction. What is stored already is not stored again. A start ends the span before it; one that an earlier
   * process of the replica left behind ends when that process was last seen.
   */
  write(replica: string, batch: SpanBatch): Promise<void>;
  at(mesh: string, instance: string, when: When): Promise<SpanAt>;
  /** The first that it was seen to hold of exactly this config revision; undefined when that did not change what it holds. */
  ofRevision(mesh: string, instance: string, revision: number): Promise<Span | undefined>;
  /** Whole sets, in the order of type and name. */
  resources(mesh: string, manifests: readonly string[]): Promise<readonly HeldResource[]>;
  content(mesh: string, type: string, hash: string): Promise<Uint8Array | undefined>;
  /** Instances of these namespaces of which the log says at that time whether they were routable. */
  instancesAt(mesh: string, namespaces: readonly string[], time: string): Promise<readonly InstanceThen[]>;
}

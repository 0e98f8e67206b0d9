/** The contract of the xDS engine. It knows nothing of meshes: resources and layered views go in, streams come out. */

/** Full type URL of a resource type, `type.googleapis.com/envoy.config.cluster.v3.Cluster`. */
export type TypeUrl = string;

/** A reference to a resource by its wire name. */
export interface Ref {
  readonly type: TypeUrl;
  readonly name: string;
}

/** One immutable, encoded resource. */
export interface Resource {
  /** Unique in the engine; two keys may carry the same wire name (every proxy has its own `inbound/8080`). */
  readonly key: string;
  readonly type: TypeUrl;
  /** Name on the wire. One of the form `xdstp://` has its context parameters sorted (TP-1). */
  readonly name: string;
  /** Changes if and only if the bytes change: normally the content hash of `bytes`. */
  readonly version: string;
  /** The serialized message of `type`, without the Any and Resource wrappers. */
  readonly bytes: Uint8Array;
  /** What must be active in the client before this resource may go out: a route configuration requires its clusters. */
  readonly requires: readonly Ref[];
  /** Virtual hosts only: further names under which it is asked for, `<route configuration>/<authority>` (OND-1). */
  readonly aliases?: readonly string[];
  /**
   * Clients drop the resource when they hear nothing of it for so long; the engine gives a sign of life three times as
   * often. Milliseconds, at least three times `checkMs` of the limits. 0 or undefined: it stays until it is removed.
   * Clients that do not announce lifetimes get it without (TTL-1).
   */
  readonly ttlMs?: number;
  /** Only for clients that name it: a wildcard does not include it. Nothing may require it. Default: false. */
  readonly onDemand?: boolean;
}

/** A named part of views: the keys of resources by type. The name comes from the resource. */
export interface Layer {
  readonly id: string;
  /** Resource keys. Two of the same type and name in one layer are a bug of the caller. */
  readonly keys: readonly string[];
}

/** What one class of clients may see: layers in order, where a later layer's resource of the same type and name wins. */
export interface View {
  /** Identifies the view; clients are mapped to views by id. */
  readonly id: string;
  readonly layers: readonly string[];
  /**
   * Sent literally with every response from this view, as `version_info` or `system_version_info`. Default: in
   * state-of-the-world a hash of the set (SOTW-2), in delta none. Another version alone wakes nobody.
   */
  readonly version?: string;
}

/** One atomic publication: nobody sees half of it. */
export interface Publication {
  /** Number of the change, for nonces, logs and the ledger; grows within the process. */
  readonly change: number;
  readonly set: readonly Resource[];
  readonly removed: readonly string[];
  readonly layers: readonly Layer[];
  readonly removedLayers: readonly string[];
  readonly views: readonly View[];
  readonly removedViews: readonly string[];
}

/** Who a stream is, by its verified credential alone. Opaque to the engine but for the strings below. */
export interface Principal {
  /** Unique name of the credential's subject, for limits, logs and metrics. */
  readonly id: string;
  /** When the credential ends, in milliseconds since the epoch; streams of an expired principal are cut. */
  readonly expiresAt: number;
  /** One credential for many nodes: streams are then counted by node too, and the credential gets larger limits. */
  readonly shared?: boolean;
  /** Anything the embedding program wants to find again in `admit` and in the secret source. */
  readonly claims: unknown;
}

/** The first message's node, cut down to what may be used. */
export interface NodeInfo {
  readonly id: string;
  readonly cluster: string;
  readonly userAgentName: string;
  /** `1.40.0`, or '' when the client did not say. Selects encodings, never identity or policy. */
  readonly userAgentVersion: string;
  readonly clientFeatures: readonly string[];
}

export class Denied extends Error {
  constructor(
    /** UNAUTHENTICATED: no or a bad credential. PERMISSION_DENIED: a good one for something else. INVALID_ARGUMENT: malformed. */
    readonly status:
      | 'UNAUTHENTICATED'
      | 'PERMISSION_DENIED'
      | 'INVALID_ARGUMENT'
      | 'UNAVAILABLE'
      | 'RESOURCE_EXHAUSTED',
    message: string,
  ) {
    super(message);
    this.name = 'Denied';
  }
}

/** Where secrets come from: per stream, asynchronous, outside of views. */
export interface SecretSource {
  /**
   * The secret that the principal may have under this wire name.
   * @param heldVersion version the client says it holds (delta `initial_resource_versions`, or what this stream ACKed)
   * @returns `keep`: the held one is still good, send nothing. `none`: no such secret for this principal; nothing is sent.
   */
  resolve(principal: Principal, node: NodeInfo, name: string, heldVersion: string | undefined): Promise<SecretAnswer>;
  /** When the secret should be looked at again, in milliseconds from now; `undefined`: only when `changed` is called. */
  recheckAfterMs(principal: Principal, name: string, version: string): number | undefined;
}

export type SecretAnswer =
  | { readonly kind: 'keep' }
  | { readonly kind: 'none' }
  | { readonly kind: 'send'; readonly version: string; readonly bytes: Uint8Array };

/** The embedding program's part: who may connect and which view they get. */
export interface Gatekeeper {
  /** True for principals that may see the state of every stream by CSDS; all others see their own streams. Default: nobody. */
  inspects?(principal: Principal): boolean;
  /** Judges the call's metadata, before any message is read (SEC-3, SEC-7). @throws Denied */
  authenticate(metadata: ReadonlyMap<string, string>, peerAddress: string): Promise<Principal>;
  /**
   * Judges the first message's node against the credential (SEC-1). Nothing is said before it has returned, so a replica
   * waits here until it is as new as what the client may have seen from another one (GEN-17).
   * @returns the id of the client's view. @throws Denied
   */
  admit(principal: Principal, node: NodeInfo): Promise<string>;
}

/** Observer of deliveries. Calls are synchronous and must not throw. */
export interface DeliveryListener {
  streamOpened?(stream: StreamInfo): void;
  /** Its first request, before it is looked at. @param resumed the client holds what an earlier stream brought */
  streamBegins?(stream: StreamInfo, resumed: boolean): void;
  streamClosed?(stream: StreamInfo, closing: Closing): void;
  /**
   * Everything of `change` that concerns this stream and type has been ACKed, or nothing concerned it. Said again when
   * the client has asked for more of the type since.
   */
  acked?(stream: StreamInfo, type: TypeUrl, change: number): void;
  /**
   * Nothing is left to send, hold back or confirm for any type of the stream, up to and including `change`. Said once
   * each time that this becomes so: an ACK of one type may make the client ask for another.
   */
  caughtUp?(stream: StreamInfo, change: number): void;
  nacked?(stream: StreamInfo, nack: NackInfo): void;
}

/** How a stream ended, and what the client had been sent by then; secrets are left out. */
export interface Closing {
  /** client: it ended the stream, went away, or was cut off. server: by a status of ours. */
  readonly by: 'client' | 'server';
  /** In flight, or sent or ACKed within the last 10 s: the newest content of each key. To be called at once, as `held` is. */
  recent(): readonly RecentContent[];
  /** Everything that it had ACKed, of what this process has sent or knows. */
  held(): readonly Resource[];
}

export interface RecentContent {
  readonly content: Resource;
  /** What the client held under the name before; undefined = nothing, or it is not known. */
  readonly before: Resource | undefined;
  /** Change with which it was sent. */
  readonly change: number;
}

/** A content that is not sent although views have it. */
export interface HeldContent {
  readonly key: string;
  readonly version: string;
  readonly type: TypeUrl;
  readonly name: string;
  /** Why, for status. */
  readonly message: string;
  /** Sent in its place; undefined = nothing is said about the name. */
  readonly instead: Resource | undefined;
}

export interface HoldBack {
  /** From which node; undefined = from everybody who does not hold it already. */
  readonly node?: string | undefined;
  readonly contents: readonly HeldContent[];
  /** What stands in for contents may need these, should the view not have them any more. Only for a node. */
  readonly extra?: readonly Resource[];
}

export interface StreamInfo {
  /** Unique in the process. */
  readonly id: number;
  readonly principal: Principal;
  readonly node: NodeInfo;
  readonly view: string;
  readonly peer: string;
  readonly variant: 'delta' | 'sotw';
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
}

export interface NackInfo {
  readonly type: TypeUrl;
  /** Names in the refused response; one name when it is known to be the culprit. */
  readonly names: readonly string[];
  readonly nonce: string;
  /** The client's words, cut to 4 KB (SEC-12). */
  readonly message: string;
  /** True when the response held a single resource, so that the refusal is certain to be its own. */
  readonly isolated: boolean;
  /** Version refused, when `isolated`. */
  readonly version: string;
  /** Change with which it was sent. */
  readonly change: number;
}

/** Delivery state of one type on one stream, for status pages and CSDS. */
export interface TypeState {
  readonly type: TypeUrl;
  readonly subscribed: 'wildcard' | readonly string[];
  /** Resources the client has ACKed, by name. */
  readonly acked: ReadonlyMap<string, string>;
  /** Names sent and not yet ACKed. */
  readonly pending: readonly string[];
  /** Resources that the client refused: it still runs the previous content. */
  readonly refused: readonly { readonly name: string; readonly version: string; readonly message: string }[];
  /** Newest change fully ACKed for this type. */
  readonly ackedChange: number;
  /** Milliseconds since the epoch since when something is unacknowledged or held back; 0 = up to date. */
  readonly behindSince: number;
  /** Names held back because something they require is not active yet. */
  readonly held: readonly string[];
}

/** One content that a client confirmed. */
export interface Holding {
  /** Unique in the process: of one id are the name, the version and the bytes. */
  readonly id: number;
  readonly version: string;
  /** The serialized message; absent when only the version is known, from an earlier stream. */
  readonly bytes?: Uint8Array;
}

/** What a client holds of one type: live, to be read at once. */
export interface TypeHoldings {
  readonly type: TypeUrl;
  /** By name. The same content has the same id on every stream, but for what is only known by its version. */
  readonly acked: Iterable<readonly [name: string, holding: Holding]> & { readonly size: number };
  /** Nothing is left to send, hold back or confirm. */
  readonly settled: boolean;
  readonly refused: TypeState['refused'];
}

export interface StreamState {
  readonly stream: StreamInfo;
  readonly types: readonly TypeState[];
}

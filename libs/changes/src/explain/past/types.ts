import type { MeshGraph } from '#libs/compiler';
import type { Result } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import type { Store, StoredResource, When } from '#libs/store';
import type { LiveMeshes } from '../../live.js';
import type { EnvoyResource, ExplainRefusal, Known, ProxyName, ProxyQuery } from '../types.js';

/** A time, or when a proxy first had what it was to have of a config revision. */
export type Moment = When | { readonly revision: number };

export interface NamedResource {
  readonly type: string;
  readonly name: string;
}

/** An Envoy resource with its content, where that was asked for. */
export interface Content {
  readonly hash: string;
  /** Protobuf JSON; undefined when it is not stored any more. */
  readonly content: unknown;
}

/** A resource that a proxy held. */
export interface HeldThen extends EnvoyResource {
  readonly hash: string;
  /** Config revision with which the content was first confirmed by any proxy, and when (RFC 3339). */
  readonly revision: number | undefined;
  readonly firstSeen: string | undefined;
}

/** A content that a proxy had refused: it ran the one before, if there was one. */
export interface RefusedThen extends EnvoyResource {
  readonly hash: string;
  readonly message: string;
}

/** An instance of a service, by the log of instances. */
export interface InstanceOfService {
  readonly namespace: string;
  readonly name: string;
  readonly state: 'routable' | 'not routable' | 'unknown';
}

export interface ServiceThen {
  readonly about: Known;
  /** Those that it selects today. */
  readonly instances: readonly InstanceOfService[];
}

/** What a proxy was running. */
export interface ProxyThen {
  readonly proxy: ProxyName;
  /** False: it is not registered any more, and its workload is ''. */
  readonly registered: boolean;
  /** RFC 3339. */
  readonly at: string;
  /** Whether it was attached to a replica then. If not, this is what it had when it last was. */
  readonly attached: boolean;
  readonly replica: string;
  /** From when to when it is known to have held exactly this; undefined = still. */
  readonly since: string;
  readonly until: string | undefined;
  /** Config revision that last changed what it holds. */
  readonly revision: number;
  /** Newest config revision of the mesh then. */
  readonly meshRevision: number;
  readonly resources: readonly HeldThen[];
  readonly refused: readonly RefusedThen[];
  /** The services that its clusters are of. */
  readonly services: readonly ServiceThen[];
  /** Instances of their namespaces that were routable then and are not registered any more. */
  readonly gone: readonly InstanceOfService[];
  /** When a resource was asked for. */
  readonly resource?: HeldThen & Content & { readonly change: ChangeOf | undefined };
}

/** The change with which something was first confirmed. */
export interface ChangeOf {
  /** `c-<revision>` */
  readonly change: string;
  /** RFC 3339. */
  readonly at: string;
}

/** A resource as it would be compiled of older configuration. */
export interface Recompiled extends EnvoyResource {
  readonly hash: string;
  /** Whether the proxy has the same today, or another content, or none of this name. */
  readonly now: 'same' | 'other' | 'none';
}

/** What a proxy would be sent of an older config revision: by today's compiler, with today's instances. */
export interface ProxyOfRevision {
  readonly proxy: ProxyName;
  readonly revision: number;
  /** Newest config revision. */
  readonly head: number;
  readonly resources: readonly Recompiled[];
  /** What the proxy has today and would not have. */
  readonly added: readonly EnvoyResource[];
  /** Stored resources of then that today's kinds do not accept: they are left out. */
  readonly withheld: readonly Known[];
  /** When a resource was asked for. */
  readonly resource?: Recompiled & Content;
}

export type PastRefusal =
  | Extract<ExplainRefusal, { readonly code: 'not-compiled' | 'unknown-proxy' | 'unknown-resource' }>
  /** Nothing is known of the proxy then. `next`: when the first record after it begins. */
  | {
      readonly code: 'nothing-known';
      readonly proxy: ProxyName;
      readonly at: string;
      readonly next: string | undefined;
    }
  | { readonly code: 'future'; readonly now: string }
  | { readonly code: 'unknown-revision'; readonly revision: number; readonly head: number }
  | { readonly code: 'history-removed'; readonly floor: number }
  /** Another revision is being compiled. */
  | { readonly code: 'busy' };

/** Compiles other resources than those of today for one proxy, in slices. @param only its key, `<namespace>/<name>` */
export type Recompile = (
  mesh: string,
  only: string,
  resources: readonly StoredResource[],
) => Promise<{ readonly graph: MeshGraph; readonly withheld: readonly ResourceId[] }>;

type Answer<T> = Promise<Result<T, PastRefusal>>;

/** What proxies were running, and what they would be. @throws StoreUnavailable */
export interface ExplainPast {
  at(query: ProxyQuery & { readonly at: Moment; readonly resource?: NamedResource | undefined }): Answer<ProxyThen>;
  ofRevision(
    query: ProxyQuery & { readonly revision: number; readonly resource?: NamedResource | undefined },
  ): Answer<ProxyOfRevision>;
}

export interface ExplainPastDeps {
  readonly live: LiveMeshes;
  /** Undefined: this replica compiles nothing. */
  readonly recompile: Recompile | undefined;
  readonly store: Pick<Store, 'history' | 'identity' | 'resources' | 'spans'>;
}

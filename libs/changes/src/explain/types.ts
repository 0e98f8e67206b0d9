import type { PortGuard } from '#libs/compiler';
import type { Result } from '#libs/kernel';
import type { Labels, ResourceId } from '#libs/model';
import type { SampleRequest } from '../replay/types.js';

/** A resource with what decides who may know of it. */
export interface Known extends ResourceId {
  /** Those that it has now; undefined where it has none of its own (a proxy). */
  readonly labels?: Labels | undefined;
}

/** A stored resource, and who wrote it as it is. */
export interface Written extends Known {
  /** Config revision of its last write; undefined = neither graph nor store says. */
  readonly revision: number | undefined;
  /** `c-<revision>`; undefined with the rest once history was cut. */
  readonly change: string | undefined;
  readonly actor: string | undefined;
  readonly at: string | undefined;
}

/** Which state was asked: replicas at equal revisions give equal answers. */
export interface Revisions {
  readonly revision: number;
  readonly runtimeRevision: number;
  /** The change on trial, `s-<number>`, that the proxy is given before others: what is explained is what everybody has. */
  readonly trial?: string | undefined;
}

export interface ProxyName {
  readonly namespace: string;
  readonly instance: string;
  readonly workload: string;
}

/** An Envoy resource as a proxy has it. */
export interface EnvoyResource {
  /** `CDS`, `EDS`, `LDS`, `SRDS`, `RDS`. */
  readonly type: string;
  readonly name: string;
  /** The Service, ExternalService or Proxy that it is for: who may read that, may know of the resource. */
  readonly about: Known;
}

export interface ProxyResources extends Revisions {
  readonly proxy: ProxyName;
  /** By type, in the order in which Envoy is sent them, and name. */
  readonly resources: readonly EnvoyResource[];
}

/** What something was made from. */
export interface ExplainedNode {
  /** In words: `HTTPRoute shop/orders`, `policies of port shop/orders/8080`. */
  readonly what: string;
  readonly type: 'step' | 'resource' | 'instance' | 'index' | 'input';
  /** For `resource`. */
  readonly written?: Written;
  /** For `resource`: the stored document no longer parses. */
  readonly withheld?: true;
  /** For `instance`. */
  readonly instance?: ProxyName & { readonly routable: boolean };
  /** In the order of the reads. */
  readonly from: readonly ExplainedNode[];
  /** It stands earlier in the tree with what it was made from. */
  readonly repeated?: true;
}

/** A field of a policy kind as it is in force in one place. */
export interface PolicyField {
  /** `port http of Service shop/orders`, `rule 0 of HTTPRoute shop/orders, port http of Service shop/orders`. */
  readonly place: string;
  readonly kind: string;
  /** '' where policies of the kind add up: then there is no value. */
  readonly field: string;
  readonly value: unknown;
  readonly from: Written;
  /** Who set it too, and lost. */
  readonly shadowed: readonly Written[];
  /** The route rule says it itself, which beats every policy. */
  readonly overruled?: true;
}

/** What a route rule says itself, before every policy. */
export interface OwnField {
  readonly place: string;
  readonly field: string;
  readonly value: unknown;
  readonly from: Written;
}

export interface ResourceExplanation extends Revisions {
  readonly proxy: ProxyName;
  readonly resource: EnvoyResource & { readonly version: string };
  readonly tree: ExplainedNode;
  readonly policies: readonly PolicyField[];
  readonly own: readonly OwnField[];
}

export interface PolicyExplanation extends Revisions {
  readonly policy: Written;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  /** Envoy resources that were made from it, affected or not. */
  readonly read: number;
  /** Envoy resources that would be others without it. */
  readonly resources: readonly (EnvoyResource & {
    /** What it does to the resource. */
    readonly op: 'adds' | 'changes' | 'removes';
    /** Proxies that have the resource. */
    readonly proxies: number;
  })[];
  readonly proxies: readonly (ProxyName & {
    /** How many of its resources are affected. */
    readonly resources: number;
  })[];
  /** Proxies whose statistics Prometheus would read otherwise without it; Envoy is told nothing of that. */
  readonly scraped: readonly ProxyName[];
  /** Registered proxies of the mesh. */
  readonly total: number;
  /** Fields that it sets. */
  readonly sets: readonly PolicyField[];
  /** Fields that it sets in vain: `from` is who wins. */
  readonly loses: readonly PolicyField[];
}

export interface ExplainedCluster extends EnvoyResource {
  /** 0 to 1. */
  readonly share: number;
  readonly endpoints: readonly { readonly address: string; readonly instance: string | undefined }[];
  /** Instances that are selected and get nothing. */
  readonly others: readonly { readonly instance: string; readonly reason: string }[];
  readonly policies: readonly PolicyField[];
  /** What decides at the destination whether the request is let in; not evaluated. */
  readonly guards: readonly PolicyField[];
}

export interface RequestExplanation extends Revisions {
  readonly proxy: ProxyName;
  readonly request: string;
  /** Name of the listener that takes it; '' = none. */
  readonly listener: string;
  /** What the request is for: who may read that, may know the answer. Undefined = nothing. */
  readonly about: Known | undefined;
  /** In words: `shop/orders/8080 by HTTPRoute/shop/orders/0`. */
  readonly destination: string;
  readonly place: string;
  readonly effects: readonly string[];
  readonly route: { readonly name: string; readonly by: Written | undefined } | undefined;
  readonly clusters: readonly ExplainedCluster[];
  readonly policies: readonly PolicyField[];
  readonly own: readonly OwnField[];
  /** Each other route of the virtual host, in Envoy's order. */
  readonly others: readonly { readonly route: string; readonly reason: string; readonly by: Written | undefined }[];
}

/** Who decides at each port of a service who may call. */
export type ServiceGuards = readonly (Omit<PortGuard, 'by'> & {
  /** Policies in force where it is so, the most specific first: of an open port those that deny. */
  readonly by: readonly ResourceId[];
})[];

export interface Guards extends Omit<Revisions, 'trial'> {
  /** By `<namespace>/<name>`; what is no service is not there. */
  readonly services: ReadonlyMap<string, ServiceGuards>;
}

export type ExplainRefusal =
  /** This replica compiles nothing (yet). */
  | { readonly code: 'not-compiled' }
  | { readonly code: 'unknown-proxy'; readonly proxies: readonly ProxyName[] }
  | { readonly code: 'unknown-resource'; readonly resources: readonly EnvoyResource[] }
  | { readonly code: 'unknown-policy' };

/** Names a proxy: its instance, or a workload or service, of which the first instance is taken. */
export interface ProxyQuery {
  readonly mesh: string;
  readonly namespace: string;
  readonly name: string;
}

type Explained<T> = Promise<Result<T, ExplainRefusal>>;

/** Why things are as they are. Reads the graph and the store, changes nothing; proxies need not be connected. */
export interface Explain {
  resources(query: ProxyQuery): Explained<ProxyResources>;
  /** @param query.full every step and index, not only what somebody wrote */
  resource(
    query: ProxyQuery & { readonly type: string; readonly resource: string; readonly full: boolean },
  ): Explained<ResourceExplanation>;
  policy(mesh: string, id: ResourceId): Explained<PolicyExplanation>;
  request(query: ProxyQuery, request: SampleRequest): Explained<RequestExplanation>;
  /** @param service `<namespace>/<name>`; undefined = every service of the mesh */
  guards(mesh: string, service?: string): Explained<Guards>;
}

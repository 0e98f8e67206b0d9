/**
 * The contract of policy kinds. A policy kind is one folder that exports one `definePolicy({...})`; matching,
 * precedence, sorting and merging are shared machinery that knows no kind.
 */

import type { z } from 'zod';
import type {
  AccessLogSchema,
  Any,
  ClusterSchema,
  HttpConnectionManager_TracingSchema,
  HttpFilterPhase,
  MessageInitShape,
  RBACSchema,
  RouteActionSchema,
} from '#libs/envoy-api';
import type { Violation } from '#libs/kernel';
import type { PolicyTarget, PortProtocol, ServicePort, Source, TargetLevel } from './domain.js';
import type { KindGroup } from './kind-groups.js';

/** A policy's spec with where it comes from. Lists of them are ordered most specific first; ties by age, then name. */
export interface Contribution<Spec> {
  readonly spec: Spec;
  readonly source: Source;
  readonly level: TargetLevel;
}

/** An effective field with its provenance: what explain prints. */
export interface Field<T> {
  readonly value: T;
  readonly from: Source;
  /** Sources that set the field too and lost, most specific first. */
  readonly shadowed: readonly Source[];
}

/**
 * Whom a policy governs. client: callers of the target. server: sidecars of the target, in what they let in. proxy: sidecars
 * of the target, in everything that passes through them.
 */
export type PolicySide = 'client' | 'server' | 'proxy';

/** What a client-side policy contributes to the caller's route to a destination. Fields not given stay as they are. */
export interface RoutePatch {
  /** Merged field by field; `retryPolicy` one level deeper. */
  readonly action?: MessageInitShape<typeof RouteActionSchema>;
  /** By HTTP filter name. */
  readonly typedPerFilterConfig?: Readonly<Record<string, Any>>;
}

/** What a client-side policy contributes to the caller's cluster of a destination port. */
export interface ClusterPatch {
  readonly cluster?: MessageInitShape<typeof ClusterSchema>;
}

/** What a server-side policy contributes to an inbound port. */
export interface InboundPatch {
  /** Rules that allow a request; several patches are joined. Undefined = no opinion. */
  readonly allow?: MessageInitShape<typeof RBACSchema>;
  /** Rules that deny a request, before any allow. */
  readonly deny?: MessageInitShape<typeof RBACSchema>;
  /** For TCP: identities that may connect; a caller must be in the list. Undefined = no opinion. */
  readonly tcpAllowed?: readonly TcpPrincipal[];
  /** For TCP: identities that may not connect, whatever else allows them. */
  readonly tcpDenied?: readonly TcpPrincipal[];
}

/** An identity matcher by SPIFFE id: exact, or a prefix that ends in `/`. */
export type TcpPrincipal = { readonly exact: string } | { readonly prefix: string };

export interface InboundContext {
  readonly mesh: string;
  /** Those that count, sorted: the mesh's own and its aliases. */
  readonly trustDomains: readonly string[];
  readonly namespace: string;
  readonly workload: string;
  readonly protocol: ServicePort['protocol'];
  readonly port: string;
}

/** One of so many requests without failure is told: a power of two up to 256. */
export type OneOf = 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128 | 256;

/** What a policy about proxies contributes to every listener of a sidecar. Fields not given stay as they are. */
export interface ProxyPatch {
  /** Share of the requests without failure that the sidecar tells the control plane. */
  readonly sampleOneIn?: OneOf;
  /** Logs beside those for the control plane: of what the sidecar sends to the mesh, and of what it receives. */
  readonly accessLogs?: Readonly<Record<'outbound' | 'inbound', Readonly<Record<'http' | 'tcp', AccessLogs>>>>;
  readonly tracing?: MessageInitShape<typeof HttpConnectionManager_TracingSchema>;
  /** True: it holds the workload's name, so that workloads cannot share listeners. */
  readonly isNamed?: boolean;
}
/** A label of a sidecar's statistics: fixed, or the value of a label of its instance, and none where the instance has none. */
export interface MetricTag {
  readonly name: string;
  readonly value: { readonly literal: string } | { readonly label: string };
}

/** What a policy about proxies contributes to how the statistics of a sidecar are read. Envoy is told nothing of it. */
export interface MetricsPatch {
  readonly tags?: readonly MetricTag[];
  /** Which statistics are read; one that its sidecar does not offer is all of them. */
  readonly detail?: string;
}

export type AccessLogs = readonly MessageInitShape<typeof AccessLogSchema>[];

/** A port of a Service or ExternalService to which a sidecar itself sends something. */
export interface BackendPort {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface ProxyContext {
  /** Empty when several workloads share what is made. */
  readonly workload: string;
  /**
   * @returns undefined when there is no such port, the namespace of it grants nothing to the policy that names it, or it is
   * the workload's own
   */
  readonly backend: (port: BackendPort, from: Source) => SelfCalled | undefined;
}

/** What a sidecar calls by itself. */
export interface SelfCalled {
  readonly cluster: string;
  readonly protocol: PortProtocol;
  /** A host name for its requests: by itself Envoy says the cluster's name, in which slashes are. */
  readonly authority: string;
}

export interface PolicyKind<Spec = unknown, Effective = unknown> {
  readonly kind: string;
  /** Lower-case plural, as in REST paths: `retrypolicies`. */
  readonly plural: string;
  /** One sentence for the reference page and the OpenAPI document. */
  readonly summary: string;
  readonly side: PolicySide;
  /** What it is about, for roles. Default: see `GROUP_OF_SIDE`. */
  readonly group?: KindGroup;
  /** Target kinds that its `targetRef` may name: Service, HTTPRoute, GRPCRoute, Workload, Mesh; without targetRef: its namespace. */
  readonly targets: readonly string[];
  /** Schema of `spec` without `targetRef`, strict. */
  readonly schema: z.ZodType<Spec>;
  /** Rules beyond the schema, with paths under `/spec`. */
  readonly check?: (spec: Spec) => readonly Violation[];
  /** Merges field by field. Never called with an empty list. Pure. */
  readonly resolve: (contributions: readonly Contribution<Spec>[]) => Effective;
  /** Every source that contributes at least one effective field: the others are "shadowed". */
  readonly contributors: (effective: Effective) => readonly Source[];
  readonly toRoute?: (effective: Effective) => RoutePatch;
  readonly toCluster?: (effective: Effective) => ClusterPatch;
  readonly toInbound?: (effective: Effective, context: InboundContext) => InboundPatch;
  readonly toProxy?: (effective: Effective, context: ProxyContext) => ProxyPatch;
  readonly toMetrics?: (effective: Effective) => MetricsPatch;
  /** Ports that a policy of side `proxy` makes sidecars call, with the fields that name them. @param namespace of the policy */
  readonly backends?: (
    spec: Spec,
    namespace: string,
  ) => readonly { readonly path: string; readonly backend: BackendPort }[];
  /** HTTP filters that must stand in the caller's (client) or the sidecar's (server) chain for the kind to work. */
  readonly httpFilters?: readonly { readonly name: string; readonly phase: HttpFilterPhase; readonly config: Any }[];
}

export const definePolicy = <Spec, Effective>(kind: PolicyKind<Spec, Effective>): PolicyKind<Spec, Effective> => kind;

/** A parsed policy, as the compiler finds it by its target. */
export interface Policy {
  readonly source: Source;
  readonly kind: string;
  readonly target: PolicyTarget;
  /** Parsed by the kind's schema. */
  readonly spec: unknown;
}

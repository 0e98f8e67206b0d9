/**
 * The contract of policy kinds. A policy kind is one folder that exports one `definePolicy({...})`; matching,
 * precedence, sorting and merging are shared machinery that knows no kind.
 */

import type { z } from 'zod';
import type {
  Any,
  ClusterSchema,
  HttpFilterPhase,
  MessageInitShape,
  RBACSchema,
  RouteActionSchema,
} from '#libs/envoy-api';
import type { Violation } from '#libs/kernel';
import type { PolicyTarget, ServicePort, Source, TargetLevel } from './domain.js';
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

export interface PolicyKind<Spec = unknown, Effective = unknown> {
  readonly kind: string;
  /** Lower-case plural, as in REST paths: `retrypolicies`. */
  readonly plural: string;
  /** One sentence for the reference page and the OpenAPI document. */
  readonly summary: string;
  /** client: applies at callers of the target. server: applies at the sidecars of the target. */
  readonly side: 'client' | 'server';
  /** What it is about, for roles. Default: security at the sidecars of the target, resilience at its callers. */
  readonly group?: KindGroup;
  /** Target kinds that its `targetRef` may name: Service, HTTPRoute, GRPCRoute, Mesh; without targetRef: its namespace. */
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

import type { Labels, Verb } from './access/permissions.js';
import type { KindGroup } from './kind-groups.js';

/**
 * Domain values: what the schemas parse manifests into, with defaults filled in, and what the compiler reads. All are
 * plain frozen data that canonical JSON can hash.
 */

/** Where a value comes from: printed by explain and by "shadowed by". */
export interface Source {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Config revision of its last write. */
  readonly revision: number;
  /** Config revision of its creation: its age, for ties. */
  readonly createdRevision: number;
}

export type MtlsMode = 'STRICT' | 'PERMISSIVE';

export interface Mesh {
  readonly name: string;
  readonly trustDomain: string;
  /** Others under which identities of the mesh count too. */
  readonly trustDomainAliases: readonly string[];
  readonly mtls: MtlsMode;
  readonly scoping: 'All' | 'Declared';
}

/** `http`: HTTP/1.1 to the application; `http2` and `grpc`: HTTP/2 without TLS (h2c); `tcp`: bytes. */
export type PortProtocol = 'http' | 'http2' | 'grpc' | 'tcp';

export interface ServicePort {
  /** DNS label, unique in the service. */
  readonly name: string;
  /** 1 to 65535: the port that callers write. */
  readonly port: number;
  readonly protocol: PortProtocol;
  /** Name of the port of the selected instances; default: `name`. */
  readonly targetPort: string;
}

export interface Subset {
  readonly name: string;
  /** Further selector on the labels of the service's instances. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface Service {
  readonly source: Source;
  readonly namespace: string;
  readonly name: string;
  /** At least one. */
  readonly ports: readonly ServicePort[];
  /** Further host names, lower-case, unique in the mesh. */
  readonly hostnames: readonly string[];
  /** Never empty; default `{workload: <name>}`. */
  readonly selector: Readonly<Record<string, string>>;
  readonly subsets: readonly Subset[];
  /** Services that the selected workloads call, `<namespace>/<name>`; used when the mesh's scoping is Declared. */
  readonly dependencies: readonly string[];
}

export interface ExternalEndpoint {
  /** Host name (resolution DNS) or IP address (resolution STATIC). */
  readonly address: string;
  readonly port: number;
}

/** A service outside the mesh. Callers reach it like a service of the mesh, by its hostnames. */
export interface ExternalService {
  readonly source: Source;
  readonly namespace: string;
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly ports: readonly ServicePort[];
  readonly resolution: 'DNS' | 'STATIC';
  readonly endpoints: readonly ExternalEndpoint[];
  /** TLS that the sidecar originates; undefined = plaintext. */
  readonly tls:
    | { readonly serverName: string; readonly subjectAltNames: readonly string[]; readonly caFile: string }
    | undefined;
}

export interface ReferenceGrant {
  readonly source: Source;
  readonly namespace: string;
  readonly from: readonly { readonly kind: string; readonly namespace: string }[];
  /** `name` undefined = every resource of the kind in the grant's namespace. */
  readonly to: readonly { readonly kind: string; readonly name: string | undefined }[];
}

export type StringMatch =
  | { readonly type: 'Exact'; readonly value: string }
  /** RE2 syntax, matched against the whole value. */
  | { readonly type: 'RegularExpression'; readonly value: string };

export type PathMatch =
  | { readonly type: 'Exact'; readonly value: string }
  /** By path elements: `/a` matches `/a` and `/a/b`, not `/ab`. */
  | { readonly type: 'PathPrefix'; readonly value: string }
  | { readonly type: 'RegularExpression'; readonly value: string };

export interface NamedMatch {
  readonly name: string;
  readonly match: StringMatch;
}

/** One match of a rule: all of its conditions hold. An HTTPRoute rule without matches gets one PathPrefix `/`. */
export interface RouteMatch {
  readonly path: PathMatch;
  readonly method: string | undefined;
  /** Names lower-case, unique. */
  readonly headers: readonly NamedMatch[];
  readonly queryParams: readonly NamedMatch[];
}

/** Names lower-case; values are literal: what stands for something else in Envoy's header formats (`%`) is to be escaped. */
export interface HeaderChange {
  readonly set: readonly { readonly name: string; readonly value: string }[];
  readonly add: readonly { readonly name: string; readonly value: string }[];
  readonly remove: readonly string[];
}

export type PathRewrite =
  | { readonly type: 'ReplaceFullPath'; readonly value: string }
  | { readonly type: 'ReplacePrefixMatch'; readonly value: string };

export interface Backend {
  /** Service or ExternalService. */
  readonly kind: 'Service' | 'ExternalService';
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** '' = the whole service. */
  readonly subset: string;
  /** 0 to 1,000,000; 0 = gets no traffic. */
  readonly weight: number;
  readonly requestHeaders: HeaderChange | undefined;
  readonly responseHeaders: HeaderChange | undefined;
}

export interface Redirect {
  readonly scheme: string | undefined;
  readonly hostname: string | undefined;
  readonly port: number | undefined;
  readonly path: PathRewrite | undefined;
  readonly statusCode: number;
}

export interface Mirror {
  readonly backend: Omit<Backend, 'weight' | 'requestHeaders' | 'responseHeaders'>;
  /** Share of requests, 0 to 1. */
  readonly fraction: number;
  /** Index of the filter in the rule, for messages. */
  readonly filterIndex?: number;
}

export interface RouteRule {
  /** The rule's name, or its index in the manifest as text: the last part of the Envoy route's name. */
  readonly name: string;
  readonly matches: readonly RouteMatch[];
  readonly requestHeaders: HeaderChange | undefined;
  readonly responseHeaders: HeaderChange | undefined;
  readonly rewrite: { readonly hostname: string | undefined; readonly path: PathRewrite | undefined } | undefined;
  readonly redirect: Redirect | undefined;
  readonly mirrors: readonly Mirror[];
  readonly backends: readonly Backend[];
  /** Milliseconds; 0 = no timeout; undefined = whatever policies and defaults say. */
  readonly timeoutMs: number | undefined;
  readonly backendTimeoutMs: number | undefined;
  readonly retry:
    | {
        readonly attempts: number | undefined;
        readonly backoffMs: number | undefined;
        readonly codes: readonly number[];
      }
    | undefined;
}

/** An HTTPRoute or a GRPCRoute attached to services (GAMMA). gRPC method matches are turned into paths. */
export interface Route {
  readonly source: Source;
  readonly kind: 'HTTPRoute' | 'GRPCRoute';
  readonly namespace: string;
  readonly name: string;
  readonly parents: readonly {
    readonly kind: 'Service' | 'ExternalService';
    readonly namespace: string;
    readonly name: string /** undefined = every port */;
    readonly port: number | undefined;
  }[];
  /** For mesh services these must be empty or match the service's own names (GAMMA ignores them); kept for gateways. */
  readonly hostnames: readonly string[];
  readonly rules: readonly RouteRule[];
}

/** Levels of policy targets, most specific first; the order of this list is the precedence (one place for all kinds). */
export const TARGET_LEVELS = [
  'RouteRule',
  'Route',
  'Workload',
  'ServicePort',
  'Service',
  'Gateway',
  'Namespace',
  'Mesh',
] as const;
export type TargetLevel = (typeof TARGET_LEVELS)[number];

export interface PolicyTarget {
  readonly level: TargetLevel;
  /** Kind of the target: Service, HTTPRoute, GRPCRoute, Workload, Mesh, or '' for Namespace. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Rule name or port name; '' when the whole target is meant. */
  readonly section: string;
}

/** One rule of a role: any of the verbs, on any of the kinds, in any of the namespaces. */
export interface RoleRule {
  /** `*` = every verb. */
  readonly verbs: readonly (Verb | '*')[];
  /** `*` = every kind, also those to come. */
  readonly kinds: readonly string[];
  /** Every kind of these groups, beside `kinds`. */
  readonly groups: readonly KindGroup[];
  /** Empty = wherever the role is given. */
  readonly namespaces: readonly string[];
  /** Empty = whatever the name. */
  readonly names: readonly string[];
  /** Only objects with all of these labels. */
  readonly labels: Labels;
}

/** Rights under a name. */
export interface Role {
  readonly source: Source;
  readonly name: string;
  readonly rules: readonly RoleRule[];
}

/** Who has a role: API tokens by their name, people whom an identity provider names, or both by a group. */
export interface RoleSubject {
  readonly kind: 'Token' | 'User' | 'Group';
  readonly name: string;
}

export interface RoleBinding {
  readonly source: Source;
  readonly name: string;
  /** A built-in role, or a Role of the mesh. */
  readonly role: string;
  readonly subjects: readonly RoleSubject[];
  /** Empty = the whole mesh. */
  readonly namespaces: readonly string[];
  /** Only objects with all of these. */
  readonly labels: Labels;
}

/** Inputs of a mesh's graph and the indexes over them: the only ways for a query to see the world. */
import { defineIndex, defineInput } from '#libs/incremental';
import { compareCodeUnits } from '#libs/kernel';
import type {
  Backend,
  ExternalService,
  InstanceSpec,
  Mesh,
  Policy,
  PolicyKind,
  PolicyTarget,
  ReferenceGrant,
  ResourceId,
  Route,
  Service,
} from '#libs/model';
import { destinationKey } from './names.js';

/** What is fixed for the life of a graph. */
export interface Settings {
  readonly mesh: string;
  /** By kind name. */
  readonly client: readonly PolicyKind[];
  readonly server: readonly PolicyKind[];
  readonly proxy: readonly PolicyKind[];
}

/** The only key of inputs that exist once. */
export const ONCE = '';

export const SETTINGS = defineInput<Settings>('settings', (settings) => settings.mesh);
export const MESH = defineInput<Mesh>('mesh');
/** By `<namespace>/<name>`, as external services are. */
export const SERVICE = defineInput<Service>('service');
export const EXTERNAL = defineInput<ExternalService>('external-service');
export const GRANT = defineInput<ReferenceGrant>('reference-grant');
/** By `<kind>/<namespace>/<name>`, as policies are. */
export const ROUTE = defineInput<Route>('route');
/** Policies of callers, of what sidecars let in, and of sidecars as such are apart: none makes the others' queries run. */
export const CLIENT_POLICY = defineInput<Policy>('client-policy');
export const SERVER_POLICY = defineInput<Policy>('server-policy');
export const PROXY_POLICY = defineInput<Policy>('proxy-policy');
/**
 * An instance in three inputs, by how often they change: what it was registered with, what its Envoy can do, and whether
 * it serves. So an endpoint that comes or goes runs the queries of endpoints alone.
 */
export const INSTANCE = defineInput<InstanceSpec>('registration');
export const FEATURES = defineInput<readonly string[]>('features');
export const ROUTABLE = defineInput<boolean>('routable', String);
/** Number of a service in the /16 of an outbound address, 1 to 65535, by `<namespace>/<name>`. */
export const ADDRESS = defineInput<number>('address', String);

/** A stored resource that no longer parses. */
export interface Withheld {
  readonly id: ResourceId;
  /** Set for access policies: whom it concerned, as far as that can still be read. These are denied everything. */
  readonly denies: PolicyTarget | undefined;
}
export const WITHHELD = defineInput<Withheld>('withheld');

/** Index key under which everything of a kind is found. Only lists of keys may read it. */
export const ALL = '*';

export const SERVICES_IN = defineIndex({
  name: 'services-in',
  of: SERVICE,
  keysOf: (_, service) => [service.namespace, ALL],
});
export const EXTERNALS_IN = defineIndex({
  name: 'externals-in',
  of: EXTERNAL,
  keysOf: (_, service) => [service.namespace, ALL],
});
export const GRANTS_IN = defineIndex({ name: 'grants-in', of: GRANT, keysOf: (_, grant) => [grant.namespace] });

/** Services and external services by the hostnames they claim. */
export const SERVICES_BY_HOSTNAME = defineIndex({
  name: 'services-by-hostname',
  of: SERVICE,
  keysOf: (_, service) => service.hostnames,
});
export const EXTERNALS_BY_HOSTNAME = defineIndex({
  name: 'externals-by-hostname',
  of: EXTERNAL,
  keysOf: (_, service) => service.hostnames,
});

/** Index key of a label pair in a namespace. */
export const labelPair = (namespace: string, [name, value]: readonly [string, string]): string =>
  `${namespace}|${name}=${value}`;

/** The pair of a selector by which its service is filed: the first by code units, so that it is always the same. */
export const leadingPair = (selector: Readonly<Record<string, string>>): readonly [string, string] | undefined =>
  Object.entries(selector).sort(([a], [b]) => compareCodeUnits(a, b))[0];

/** Services by the leading pair of their selector: those of an instance are under one of its labels. */
export const SERVICES_BY_SELECTOR = defineIndex({
  name: 'services-by-selector',
  of: SERVICE,
  keysOf: (_, service) => {
    const pair = leadingPair(service.selector);
    return pair ? [labelPair(service.namespace, pair)] : [];
  },
});
export const INSTANCES_BY_LABEL = defineIndex({
  name: 'instances-by-label',
  of: INSTANCE,
  keysOf: (_, instance) => Object.entries(instance.labels).map((pair) => labelPair(instance.namespace, pair)),
});
export const INSTANCES_BY_WORKLOAD = defineIndex({
  name: 'instances-by-workload',
  of: INSTANCE,
  keysOf: (_, instance) => [destinationKey(instance.namespace, instance.workload)],
});

/** Index key of the routes that one namespace attaches to a destination. */
export const attachment = (kind: string, destination: string, routeNamespace: string): string =>
  `${kind}/${destination}|${routeNamespace}`;

export const ROUTES_BY_PARENT = defineIndex({
  name: 'routes-by-parent',
  of: ROUTE,
  keysOf: (_, route) =>
    route.parents.map((p) => attachment(p.kind, destinationKey(p.namespace, p.name), route.namespace)),
});
/** Routes that are attached to a service of another namespace, by their own. */
export const CONSUMER_ROUTES_IN = defineIndex({
  name: 'consumer-routes-in',
  of: ROUTE,
  keysOf: (_, route) => (route.parents.some((p) => p.namespace !== route.namespace) ? [route.namespace] : []),
});

export type BackendTarget = Pick<Backend, 'kind' | 'namespace' | 'name' | 'port' | 'subset'>;

/** Every backend that a route names, mirrors too. */
export const backendsOf = (route: Route): readonly BackendTarget[] =>
  route.rules.flatMap((rule) => [...rule.backends, ...rule.mirrors.map((mirror) => mirror.backend)]);

/** Routes by the subsets they name, `<namespace>/<service>/<subset>`: only subsets in use get clusters. */
export const ROUTES_BY_SUBSET = defineIndex({
  name: 'routes-by-subset',
  of: ROUTE,
  keysOf: (_, route) =>
    backendsOf(route)
      .filter((b) => b.kind === 'Service' && b.subset !== '')
      .map((b) => `${b.namespace}/${b.name}/${b.subset}`),
});

/** Where policies of a target are filed. What does not tell targets of a level apart is left out. */
export function targetKey(target: PolicyTarget): string {
  const named = `${target.level}|${target.kind}/${target.namespace}/${target.name}`;
  switch (target.level) {
    case 'Mesh':
      return target.level;
    case 'Namespace':
      return `${target.level}|${target.namespace}`;
    case 'RouteRule':
    case 'ServicePort':
      return `${named}/${target.section}`;
    case 'Route':
    case 'Service':
    case 'Workload':
    case 'Gateway':
      return named;
  }
}

export const CLIENT_POLICIES_BY_TARGET = defineIndex({
  name: 'client-policies-by-target',
  of: CLIENT_POLICY,
  keysOf: (_, policy) => [targetKey(policy.target)],
});
export const SERVER_POLICIES_BY_TARGET = defineIndex({
  name: 'server-policies-by-target',
  of: SERVER_POLICY,
  keysOf: (_, policy) => [targetKey(policy.target)],
});
export const PROXY_POLICIES_BY_TARGET = defineIndex({
  name: 'proxy-policies-by-target',
  of: PROXY_POLICY,
  keysOf: (_, policy) => [targetKey(policy.target)],
});
export const WITHHELD_BY_TARGET = defineIndex({
  name: 'withheld-by-target',
  of: WITHHELD,
  keysOf: (_, withheld) => (withheld.denies ? [targetKey(withheld.denies)] : []),
});

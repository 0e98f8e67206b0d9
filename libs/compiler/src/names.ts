/**
 * Every name that goes on the wire, and every key inside the graph. Wire names leave the mesh out, since a proxy belongs
 * to one mesh; they are stable, because they come back in logs and metrics. Names of mesh, namespaces, services and
 * subsets are DNS labels, so `/` never occurs inside a part and cluster names have no dots (dots wreck stat tags).
 *
 * | what | name |
 * |---|---|
 * | cluster and its endpoints | `<namespace>/<service>/<port number>[/<subset>]` |
 * | route configuration of the shared outbound port | `<namespace>/<service>` |
 * | route configuration of a service port's own address | `<namespace>/<service>/<port number>` |
 * | scope | `<namespace>/<service>/<alias>` |
 * | listener of a service port's own address | `outbound/<namespace>/<service>/<port number>` |
 * | shared outbound listener | `outbound` |
 * | inbound listener, cluster, route configuration | `inbound/<port name>` |
 * | secrets | `identity`, `trust` |
 * | routes | `<kind>/<namespace>/<name>/<rule>` |
 */

/** `<namespace>/<name>`: the key of a service or external service, which share their names. */
export const destinationKey = (namespace: string, name: string): string => `${namespace}/${name}`;

export const clusterName = (destination: string, port: number, subset = ''): string =>
  `${destination}/${port}${subset === '' ? '' : `/${subset}`}`;

/**
 * Stands for backends that do not exist in weighted routes. It has no slash, so no service can ever have it, and no
 * cluster of this name is ever sent: Envoy answers for it by the route's `cluster_not_found_response_code`.
 */
export const UNRESOLVED_CLUSTER = 'unresolved';

export const routeTableName = (destination: string): string => destination;
export const portRouteTableName = (destination: string, port: number): string => `${destination}/${port}`;
export const scopeName = (destination: string, alias: string): string => `${destination}/${alias}`;

export const OUTBOUND_LISTENER = 'outbound';
export const outboundListenerName = (destination: string, port: number): string =>
  `${OUTBOUND_LISTENER}/${destination}/${port}`;
export const inboundName = (port: string): string => `inbound/${port}`;

export const routeName = (kind: string, namespace: string, name: string, rule: string): string =>
  `${kind}/${namespace}/${name}/${rule}`;
/** The route of a service port to which no route is attached. */
export const defaultRouteName = (kind: string, destination: string): string => `${kind}/${destination}/default`;

/** The cluster of the control plane, which every bootstrap has and no other resource does. */
export const XDS_CLUSTER = 'heddle_xds';

export const IDENTITY_SECRET = 'identity';
export const TRUST_SECRET = 'trust';

/** Filters of every inbound HTTP chain: constant, since route configurations name them. */
export const INBOUND_RBAC_DENY = 'heddle.rbac.deny';
export const INBOUND_RBAC_ALLOW = 'heddle.rbac.allow';

/** Stat prefixes hold neither dots nor slashes, so that tag extraction takes them as one part. */
export const statPrefix = (name: string): string => name.replaceAll('/', '_').replaceAll('.', '_');

export const spiffePrefix = (trustDomain: string): string => `spiffe://${trustDomain}/`;
export const spiffeIdOf = (trustDomain: string, namespace: string, workload: string): string =>
  `${spiffePrefix(trustDomain)}${namespace}/${workload}`;
/** An identity that no authority issues: its path has one part, and issued ones have two. */
export const nobody = (trustDomain: string): string => `${spiffePrefix(trustDomain)}nobody`;

export const shortAlias = (name: string): string => name;
export const namespaceAlias = (namespace: string, name: string): string => `${name}.${namespace}`;
export const meshAlias = (mesh: string, namespace: string, name: string): string => `${name}.${namespace}.${mesh}.mesh`;

/** The key of a resource in the graph: the query that makes it, and that query's key. */
export const resourceCell = (query: string, key: string): string => `${query}|${key}`;

/** Takes a resource's or layer's cell apart again. */
export function splitCell(cell: string): { readonly query: string; readonly key: string } {
  const at = cell.indexOf('|');
  return { query: cell.slice(0, at), key: cell.slice(at + 1) };
}

/** Splits `<namespace>/<name>`, also where more follows. */
export function splitDestinationKey(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}

/** Splits `<namespace>/<service>/<alias>`, the name of a scope. */
export function splitScopeName(name: string): { readonly destination: string; readonly alias: string } {
  const [namespace = '', service = '', alias = ''] = name.split('/');
  return { destination: destinationKey(namespace, service), alias };
}

/**
 * `<namespace>/<service>/<port number>` of the listener of a service port's own address: so its route configuration is
 * called, too. '' of other listeners.
 */
export function portOfListener(name: string): string {
  const own = `${OUTBOUND_LISTENER}/`;
  return name.startsWith(own) ? name.slice(own.length) : '';
}

/** Splits `<kind>/<namespace>/<name>/<rule>`. Members of what is no such name are ''. */
export function splitRouteName(route: string): {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly rule: string;
} {
  const [kind = '', namespace = '', name = '', rule = ''] = route.split('/');
  return { kind, namespace, name, rule };
}

/** Splits `<namespace>/<service>/<port>[/<subset>]`. */
export function splitClusterName(name: string): {
  readonly destination: string;
  readonly port: number;
  readonly subset: string;
} {
  const [namespace = '', service = '', port = '', subset = ''] = name.split('/');
  return { destination: destinationKey(namespace, service), port: Number(port), subset };
}

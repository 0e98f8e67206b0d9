/**
 * What proxies may see. A view is a list of layers and a layer a list of resource cells, never of contents, so that an
 * endpoint change touches neither. Later layers win where two have a resource of one name.
 *
 * | layer | cell key | holds |
 * |---|---|---|
 * | services | scope | clusters, endpoints, route configurations, scopes of names that are good in the whole mesh |
 * | addresses | /16 and place of the listeners, which ports, scope | listeners of ports with an address of their own, and their route configurations |
 * | namespace | namespace, scope | scopes of short names; routes that this namespace has for services of others |
 * | workload | workload | inbound route configurations |
 * | instance | instance | inbound listeners and clusters, the shared outbound listener |
 *
 * From registered instances down, view -> layers -> resources, exactly what some view lists is compiled: a resource that
 * no proxy may see costs nothing.
 *
 * A scope is `*`, the whole mesh, or the sorted list of the destinations that a proxy depends on.
 */
import { type AnyQuery, type Ctx, defineQuery, type QueryKind } from '#libs/incremental';
import { contentHash, sortedUnique } from '#libs/kernel';
import type { ServicePort } from '#libs/model';
import { attachedFrom } from './attachments.js';
import { CLUSTER, ENDPOINTS } from './clusters.js';
import {
  ALIASES,
  type Destination,
  destinationOf,
  destinationsIn,
  isHttp,
  isHttp2,
  subsetsInUse,
} from './destinations.js';
import { NEWEST_FEATURES } from './features.js';
import { INBOUND_CLUSTER, INBOUND_LISTENER, INBOUND_ROUTES } from './inbound.js';
import { INBOUND_PROTOCOL, portsOf, WORKLOAD_PORTS } from './inbound-ports.js';
import { ADDRESS, ALL, CONSUMER_ROUTES_IN, FEATURES, INSTANCE, ROUTE, SERVICE } from './inputs.js';
import { clusterName, destinationKey, resourceCell, shortAlias } from './names.js';
import { OUTBOUND, PORT_LISTENER } from './outbound.js';
import { planOfWorkload } from './proxy-patches.js';
import { queryOf } from './query-of.js';
import type { Encoded } from './resource.js';
import { NEEDED_CLUSTERS, PORT_ROUTE_TABLE, ROUTE_TABLE, SCOPE } from './route-tables.js';

/** Every query that makes a resource, by its name: the first part of resource keys. */
export const RESOURCES: ReadonlyMap<string, QueryKind<Encoded>> = new Map(
  [
    CLUSTER,
    ENDPOINTS,
    ROUTE_TABLE,
    PORT_ROUTE_TABLE,
    SCOPE,
    OUTBOUND,
    PORT_LISTENER,
    INBOUND_LISTENER,
    INBOUND_CLUSTER,
    INBOUND_ROUTES,
  ].map((query) => [query.name, query]),
);

/** True for resources that say who may call: an earlier form of one may be laxer. @param key a `CompiledResource.key` */
export const guardsAccess = (key: string): boolean =>
  [INBOUND_ROUTES, INBOUND_LISTENER].some(({ name }) => key.split('|')[1] === name);

/** What lists cells of these queries has them compiled, exactly as long as it is needed itself. */
export const listing =
  <V>(queries: () => ReadonlyMap<string, QueryKind<V>>) =>
  (cells: readonly string[], add: (kind: AnyQuery, key: string) => void): void => {
    for (const one of cells) {
      const { query, key } = queryOf(queries(), one);
      add(query, key);
    }
  };
const lists = listing(() => RESOURCES);

/** Lists are long, and no key holds a line break. */
const hash = (cells: readonly string[]): string => contentHash(cells.join('\n'));

const cell = (query: QueryKind<Encoded>, key: string): string => resourceCell(query.name, key);

/** The cluster with this wire name and, if it is of the mesh, its endpoints. */
const clusterCells = (ctx: Ctx, name: string): readonly string[] => {
  const [namespace = '', service = ''] = name.split('/');
  const isMesh = ctx.input(SERVICE, destinationKey(namespace, service)) !== undefined;
  return [cell(CLUSTER, name), ...(isMesh ? [cell(ENDPOINTS, name)] : [])];
};

/** Resource cells of one destination in the services layer: rerun only when its ports, names or subsets in use change. */
const DESTINATION_CELLS = defineQuery<readonly string[]>({
  name: 'destination-cells',
  hash,
  run: (ctx, key) => {
    const destination = destinationOf(ctx, key);
    if (!destination) return [];
    const clusters = destination.value.ports.flatMap((port) => [
      clusterName(key, port.port),
      ...subsetsInUse(ctx, destination).map((subset) => clusterName(key, port.port, subset)),
    ]);
    const cells = clusters.flatMap((name) => clusterCells(ctx, name));
    if (!destination.value.ports.some(isHttp)) return cells;
    const scopes = ctx.get(ALIASES, key).map((alias) => cell(SCOPE, `${key}/${alias}`));
    return [...cells, cell(ROUTE_TABLE, key), ...scopes];
  },
});

/** Clusters that the routes of a table lead to; with the whole mesh in scope they are there anyway. */
const ROUTED_CELLS = defineQuery<readonly string[]>({
  name: 'routed-cells',
  hash,
  run: (ctx, table) => ctx.get(NEEDED_CLUSTERS, table).flatMap((name) => clusterCells(ctx, name)),
});

/** What a proxy that depends on a destination is given for it; nothing where that does not exist. */
const SCOPED_CELLS = defineQuery<readonly string[]>({
  name: 'scoped-cells',
  hash,
  lists,
  isInner: true,
  run: (ctx, key) =>
    unique([...ctx.get(DESTINATION_CELLS, key), ...(hasRoutes(ctx, key) ? ctx.get(ROUTED_CELLS, key) : [])]),
});

/** In the order given, which is a function of the inputs; to sort thousands of lists of hundreds costs more than all else. */
const unique = (cells: readonly string[]): readonly string[] => [...new Set(cells)];

/** Destinations of a scope; those that a service declares need not exist. */
const destinationsOf = (ctx: Ctx, scope: string): readonly string[] =>
  scope === ALL ? destinationsIn(ctx) : declared(scope);

/** The same of one namespace. A declared scope is short, a namespace may be long: it is not read for it. */
const destinationsAt = (ctx: Ctx, namespace: string, scope: string): readonly string[] =>
  scope === ALL
    ? destinationsIn(ctx, namespace)
    : declared(scope).filter((key) => key.startsWith(destinationKey(namespace, '')));

const declared = (scope: string): readonly string[] => (scope === '' ? [] : scope.split(','));

/** Those of the destinations that are in scope. */
function within(scope: string, keys: readonly string[]): readonly string[] {
  if (scope === ALL) return keys;
  const known = new Set(declared(scope));
  return keys.filter((key) => known.has(key));
}

const hasRoutes = (ctx: Ctx, key: string): boolean => destinationOf(ctx, key)?.value.ports.some(isHttp) ?? false;

const SERVICES_LAYER = defineQuery<readonly string[]>({
  name: 'services',
  hash,
  // Thousands of proxies depend on fifty destinations each: by destination they list a sixth of what their cells are.
  lists: (cells, add, scope) => {
    if (scope === ALL) lists(cells, add);
    else for (const key of declared(scope)) add(SCOPED_CELLS, key);
  },
  run: (ctx, scope) => {
    const cells = scope === ALL ? DESTINATION_CELLS : SCOPED_CELLS;
    return unique(destinationsOf(ctx, scope).flatMap((key) => ctx.get(cells, key)));
  },
});

/** Ports that get an address of their own: `some` = what the shared port is not for, `every` = all. */
export type Which = 'some' | 'every';

/** Cells of one destination at addresses in a /16, by `<listening at>|<which>|<destination>`; none without a number. */
const ADDRESS_CELLS = defineQuery<readonly string[]>({
  name: 'address-cells',
  hash,
  run: (ctx, key) => {
    const [prefix = '', which = '', name = ''] = key.split('|');
    const destination = destinationOf(ctx, name);
    if (!destination || ctx.input(ADDRESS, name) === undefined) return [];
    const wanted = (port: ServicePort): boolean => which === 'every' || !isHttp(port) || isHttp2(port);
    return destination.value.ports
      .filter(wanted)
      .flatMap((port) => [
        cell(PORT_LISTENER, `${prefix}|${clusterName(name, port.port)}`),
        ...(isHttp(port) ? [cell(PORT_ROUTE_TABLE, clusterName(name, port.port))] : []),
      ]);
  },
});

const ADDRESSES_LAYER = defineQuery<readonly string[]>({
  name: 'addresses',
  hash,
  lists,
  run: (ctx, key) => {
    const [prefix = '', which = '', scope = ''] = key.split('|');
    return unique(destinationsOf(ctx, scope).flatMap((name) => ctx.get(ADDRESS_CELLS, `${prefix}|${which}|${name}`)));
  },
});

/** Route configurations that callers of a namespace have in place of a destination's own. */
function consumerCells(ctx: Ctx, namespace: string, destination: Destination): readonly string[] {
  const ports = destination.value.ports.filter(
    (port) => isHttp(port) && attachedFrom(ctx, destination, port, namespace).length > 0,
  );
  if (ports.length === 0) return [];
  return [
    cell(ROUTE_TABLE, `${destination.key}@${namespace}`),
    ...ports.map((port) => cell(PORT_ROUTE_TABLE, `${clusterName(destination.key, port.port)}@${namespace}`)),
  ];
}

/** Destinations in other namespaces to which routes of this one are attached. */
function consumed(ctx: Ctx, namespace: string): readonly string[] {
  const routes = ctx.index(CONSUMER_ROUTES_IN, namespace).flatMap((key) => ctx.input(ROUTE, key) ?? []);
  const foreign = routes.flatMap((route) => route.parents.filter((p) => p.namespace !== namespace));
  return sortedUnique(foreign.map((p) => destinationKey(p.namespace, p.name)));
}

const NAMESPACE_LAYER = defineQuery<readonly string[]>({
  name: 'ns',
  hash,
  lists,
  run: (ctx, key) => {
    const [namespace = '', scope = ''] = key.split('|');
    const scopes = destinationsAt(ctx, namespace, scope)
      .filter((name) => hasRoutes(ctx, name))
      .map((name) => cell(SCOPE, `${name}/${shortAlias(name.slice(namespace.length + 1))}`));
    const tables = within(scope, consumed(ctx, namespace))
      .flatMap((name) => destinationOf(ctx, name) ?? [])
      .map((destination) => ({ destination, cells: consumerCells(ctx, namespace, destination) }))
      .filter(({ cells }) => cells.length > 0);
    const needed = scope === ALL ? [] : tables.map(({ destination }) => `${destination.key}@${namespace}`);
    const routed = needed.flatMap((table) => ctx.get(ROUTED_CELLS, table));
    return unique([...scopes, ...tables.flatMap(({ cells }) => cells), ...routed]);
  },
});

const WORKLOAD_LAYER = defineQuery<readonly string[]>({
  name: 'workload',
  hash,
  lists,
  run: (ctx, key) =>
    ctx
      .get(WORKLOAD_PORTS, key)
      .map((port) => `${key}/${port}`)
      .filter((port) => ctx.get(INBOUND_PROTOCOL, port) !== 'tcp')
      .map((port) => cell(INBOUND_ROUTES, port)),
});

/** Whether an instance's Envoy has a feature; one that never connected is taken for the newest. */
export function hasFeature(ctx: Ctx, instance: string, feature: string): boolean {
  const known = ctx.input(FEATURES, instance) ?? [];
  return (known.length > 0 ? known : NEWEST_FEATURES).includes(feature);
}

/** What the sidecar of an instance calls for what policies have it tell; with the whole mesh in scope it is there anyway. */
function calledByItself(ctx: Ctx, key: string): readonly string[] {
  const instance = ctx.input(INSTANCE, key);
  if (!instance) return [];
  const { clusters } = planOfWorkload(ctx, destinationKey(instance.namespace, instance.workload));
  return clusters.flatMap((name) => clusterCells(ctx, name));
}

const INSTANCE_LAYER = defineQuery<readonly string[]>({
  name: 'instance',
  hash,
  lists,
  run: (ctx, key) => {
    const inbound = portsOf(ctx, key).flatMap((port) => [
      cell(INBOUND_LISTENER, `${key}/${port}`),
      cell(INBOUND_CLUSTER, `${key}/${port}`),
    ]);
    const outbound = hasFeature(ctx, key, 'srds') ? [cell(OUTBOUND, key)] : [];
    return sortedUnique([...inbound, ...outbound, ...calledByItself(ctx, key)]);
  },
});

/** Every query that makes a layer, by its name. */
export const LAYERS: ReadonlyMap<string, QueryKind<readonly string[]>> = new Map(
  [SERVICES_LAYER, ADDRESSES_LAYER, NAMESPACE_LAYER, WORKLOAD_LAYER, INSTANCE_LAYER].map((query) => [
    query.name,
    query,
  ]),
);

/** Route configurations of callers, and the scopes that lead to them. */
import { RouteConfigurationSchema, ScopedRouteConfigurationSchema, type VirtualHostSchema } from '#libs/envoy-api';
import { type Ctx, defineQuery } from '#libs/incremental';
import { invariant, sortedUnique } from '#libs/kernel';
import type { ServicePort } from '#libs/model';
import { governing } from './attachments.js';
import { ALIASES, type Destination, destinationOf, isHttp, portOf } from './destinations.js';
import type { Init } from './init-message.js';
import {
  clusterName,
  defaultRouteName,
  portRouteTableName,
  routeName,
  routeTableName,
  scopeName,
  shortAlias,
} from './names.js';
import { applied, clientPatch, PORT_PATCH, portTargets, routeTargets } from './policies.js';
import { defineResource, encoded } from './resource.js';
import {
  forwarding,
  type Outcome,
  type RouteInit,
  redirecting,
  retryingResets,
  type Timed,
  timed,
} from './route-actions.js';
import { envoyMatch, isSafe, type MatchInit, type RankedMatch, rankedMatches, safePart } from './route-matches.js';

/** Routes of one service port for callers of one namespace, in order, and the clusters that they need. */
interface PortRoutes {
  readonly routes: readonly RouteInit[];
  readonly clusters: readonly string[];
}

/** What the routes of a port are made from. */
interface Place {
  readonly destination: Destination;
  readonly port: ServicePort;
}

function portRoutes(ctx: Ctx, place: Place, caller: string): PortRoutes {
  const routes = governing(ctx, place.destination, place.port, caller);
  if (routes.length === 0) return defaultRoutes(ctx, place);
  const made = rankedMatches(routes).map((ranked) => matchedRoutes(ctx, place, ranked));
  return { routes: made.flatMap((m) => m.routes), clusters: made.flatMap((m) => m.clusters) };
}

/** Without any route, everything goes to the service itself. With routes, what none of them matches gets 404. */
function defaultRoutes(ctx: Ctx, { destination, port }: Place): PortRoutes {
  const cluster = clusterName(destination.key, port.port);
  const { route: patch } = ctx.get(PORT_PATCH, cluster);
  const { action, splitsRetries } = timed(undefined, patch);
  const value = { ...action, clusterSpecifier: { case: 'cluster' as const, value: cluster } };
  const routes = withSafeRetries(
    {
      name: defaultRouteName(destination.kind, destination.key),
      match: { pathSpecifier: { case: 'prefix', value: '/' } },
      typedPerFilterConfig: { ...patch.typedPerFilterConfig },
      action: { case: 'route', value },
    },
    splitsRetries && port.protocol !== 'grpc',
  );
  return { routes, clusters: [cluster] };
}

function matchedRoutes(ctx: Ctx, place: Place, ranked: RankedMatch): PortRoutes {
  const { route, rule, match } = ranked;
  const targets = routeTargets(route, rule);
  const own = applied(ctx, 'client', targets);
  const { route: patch } =
    own.length === 0
      ? ctx.get(PORT_PATCH, clusterName(place.destination.key, place.port.port))
      : clientPatch(applied(ctx, 'client', [...targets, ...portTargets(place.destination, place.port)]));
  const time: Timed = timed(rule, patch);
  const outcome: Outcome = rule.redirect ? redirecting(ranked, rule.redirect) : forwarding(ctx, ranked, time.action);
  const splits = time.splitsRetries && route.kind === 'HTTPRoute' && place.port.protocol !== 'grpc';
  const routes = withSafeRetries(
    {
      name: routeName(route.kind, route.namespace, route.name, rule.name),
      match: envoyMatch(match),
      typedPerFilterConfig: { ...patch.typedPerFilterConfig },
      ...outcome.init,
    },
    splits,
    match.method,
  );
  return { routes, clusters: outcome.clusters };
}

/**
 * Requests with GET, HEAD or OPTIONS are retried on `reset` too. Envoy has no such condition in a retry policy
 * (`retriable_request_headers` would take the other retries from the rest), so they get a route of their own before it.
 */
function withSafeRetries(route: RouteInit & { match: MatchInit }, splits: boolean, method?: string): RouteInit[] {
  if (!splits || route.action?.case !== 'route') return [route];
  const safe = { ...route, action: { case: 'route' as const, value: retryingResets(route.action.value) } };
  if (method !== undefined) return [isSafe(method) ? safe : route];
  return [{ ...safe, match: safePart(route.match) }, route];
}

/** Splits the key `<namespace>/<service>[@<caller's namespace>]`. */
function splitTableKey(key: string): { readonly name: string; readonly caller: string } {
  const [name = '', caller = ''] = key.split('@');
  return { name, caller };
}

const virtualHost = (
  name: string,
  domains: readonly string[],
  routes: readonly RouteInit[],
): Init<typeof VirtualHostSchema> => ({
  name,
  domains: [...domains],
  routes: [...routes],
  includeRequestAttemptCount: true,
});

/**
 * Route configuration of a destination on the shared port, by `<namespace>/<service>`, or `...@<namespace>` for callers of
 * a namespace that has routes of its own for it. One virtual host per port; the bare host is the first HTTP port.
 */
export const ROUTE_TABLE = defineResource('routes', (ctx, key) => {
  const { name, caller } = splitTableKey(key);
  const destination = destinationOf(ctx, name);
  invariant(destination, `${name} is listed, so it exists`);
  const hosts = sortedUnique([shortAlias(destination.value.name), ...ctx.get(ALIASES, name)]);
  const ports = destination.value.ports.filter(isHttp);
  const parts = ports.map((port, i) => {
    const domains = hosts.flatMap((host) => [...(i === 0 ? [host] : []), `${host}:${port.port}`]);
    const { routes, clusters } = portRoutes(ctx, { destination, port }, caller);
    return { host: virtualHost(String(port.port), domains, routes), clusters };
  });
  const init = { name: routeTableName(name), virtualHosts: parts.map((part) => part.host) };
  return encoded(RouteConfigurationSchema, init, { name: init.name, clusters: parts.flatMap((part) => part.clusters) });
});

/**
 * Route configuration of a port's own address, by `<namespace>/<service>/<port>[@<namespace>]`. Whoever connects there
 * means this port, whatever host the request names.
 */
export const PORT_ROUTE_TABLE = defineResource('port-routes', (ctx, key) => {
  const { name: portKey, caller } = splitTableKey(key);
  const at = portKey.lastIndexOf('/');
  const destination = destinationOf(ctx, portKey.slice(0, at));
  const port = destination && portOf(destination, Number(portKey.slice(at + 1)));
  invariant(port, `${portKey} is listed, so it exists`);
  const { routes, clusters } = portRoutes(ctx, { destination, port }, caller);
  const name = portRouteTableName(destination.key, port.port);
  const init = { name, virtualHosts: [virtualHost(String(port.port), ['*'], routes)] };
  return encoded(RouteConfigurationSchema, init, { name, clusters });
});

/** The scope of one name of a destination, by `<namespace>/<service>/<alias>`: the host without its port selects it. */
export const SCOPE = defineResource('scope', (_ctx, key) => {
  const [namespace = '', service = '', alias = ''] = key.split('/');
  const destination = `${namespace}/${service}`;
  const init: Init<typeof ScopedRouteConfigurationSchema> = {
    name: scopeName(destination, alias),
    routeConfigurationName: routeTableName(destination),
    key: { fragments: [{ type: { case: 'stringKey', value: alias } }] },
  };
  return encoded(ScopedRouteConfigurationSchema, init, { name: scopeName(destination, alias) });
});

/** Clusters that callers of a namespace ('' = any) need for a destination's routes, by `<namespace>/<service>[@<namespace>]`. */
export const NEEDED_CLUSTERS = defineQuery<readonly string[]>({
  name: 'needed-clusters',
  run: (ctx, key) => ctx.get(ROUTE_TABLE, key).requires.map((ref) => ref.name),
});

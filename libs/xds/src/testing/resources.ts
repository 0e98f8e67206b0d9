import {
  Cluster_DiscoveryType,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  durationMs,
  encode,
  HttpConnectionManagerSchema,
  LbEndpointSchema,
  ListenerSchema,
  OnDemandSchema,
  packAny,
  RouteConfigurationSchema,
  RouterSchema,
  TYPE,
  VirtualHostSchema,
} from '#libs/envoy-api';
import { contentHash } from '#libs/kernel';
import type { Ref, Resource } from '../types.js';

/** Resources by hand that a real Envoy serves traffic with. */
const ADS = { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: 2 } as const;

const resource = (type: string, name: string, bytes: Uint8Array, requires: Ref[] = []): Resource => ({
  ...{ key: `${type}/${name}`, type, name, version: contentHash(bytes), bytes, requires },
});

export const cluster = (name: string, timeoutMs = 1000): Resource =>
  resource(
    TYPE.cluster,
    name,
    encode(ClusterSchema, {
      name,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: ADS },
      connectTimeout: durationMs(timeoutMs),
    }),
  );

const address = (port: number) =>
  ({
    address: {
      case: 'socketAddress',
      value: { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: port } },
    },
  }) as const;

export const endpoints = (name: string, port: number): Resource => {
  const hostIdentifier = { case: 'endpoint', value: { address: address(port) } } as const;
  const init = { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier }] }] };
  return resource(TYPE.endpoint, name, encode(ClusterLoadAssignmentSchema, init));
};

type Filter = ReturnType<typeof packAny>;
const filter = (name: string, typedConfig: Filter) =>
  ({ name, configType: { case: 'typedConfig', value: typedConfig } }) as const;

/** The filter that asks for virtual hosts, and for clusters too, when a request needs them. */
export const onDemand = (): Filter => packAny(OnDemandSchema, { odcds: { source: ADS, timeout: durationMs(5000) } });

/** @param before a filter ahead of the router */
export const listener = (name: string, port: number, statPrefix = name, before?: Filter): Resource => {
  const router = filter('router', packAny(RouterSchema, {}));
  const manager = packAny(HttpConnectionManagerSchema, {
    statPrefix,
    routeSpecifier: { case: 'rds', value: { configSource: ADS, routeConfigName: 'routes' } },
    httpFilters: before ? [filter('before', before), router] : [router],
  });
  const filters = [{ name: 'hcm', configType: { case: 'typedConfig', value: manager } } as const];
  return resource(
    TYPE.listener,
    name,
    encode(ListenerSchema, { name, address: address(port), filterChains: [{ filters }] }),
    [],
  );
};

/** A listener that our checks pass and every Envoy refuses: it has a filter that does not exist. */
export const refusedListener = (name: string, port: number): Resource =>
  resource(
    TYPE.listener,
    name,
    encode(ListenerSchema, { name, address: address(port), filterChains: [{ filters: [{ name: 'no.such.filter' }] }] }),
  );

const everything = { pathSpecifier: { case: 'prefix', value: '/' } } as const;
const everythingTo = (to: string) =>
  ({
    match: everything,
    action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: to } } },
  }) as const;

export const routes = (to: string): Resource => {
  const init = { name: 'routes', virtualHosts: [{ name: 'all', domains: ['*'], routes: [everythingTo(to)] }] };
  return resource(TYPE.route, 'routes', encode(RouteConfigurationSchema, init), [{ type: TYPE.cluster, name: to }]);
};

/** Every request goes to the cluster that its header `to` names. */
export const routesByHeader = (): Resource => {
  const action = { case: 'route', value: { clusterSpecifier: { case: 'clusterHeader', value: 'to' } } } as const;
  const init = {
    name: 'routes',
    virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ match: everything, action }] }],
  };
  return resource(TYPE.route, 'routes', encode(RouteConfigurationSchema, init));
};

/** Virtual hosts are asked for, when a request for them comes. @param mark makes its content differ */
export const routesByHost = (mark = 0): Resource => {
  // An Envoy that was told of no host waits for one until this time is over, and starts then.
  const configSource = { ...ADS, initialFetchTimeout: durationMs(200) };
  const init = { name: 'routes', vhds: { configSource }, maxDirectResponseBodySizeBytes: 4096 + mark };
  return resource(TYPE.route, 'routes', encode(RouteConfigurationSchema, init));
};

export const virtualHost = (name: string, domains: readonly string[], to: string): Resource => ({
  ...resource(
    TYPE.virtualHost,
    `routes/${name}`,
    encode(VirtualHostSchema, { name: `routes/${name}`, domains: [...domains], routes: [everythingTo(to)] }),
    [{ type: TYPE.cluster, name: to }],
  ),
  aliases: domains.map((domain) => `routes/${domain}`),
});

const COLLECTION = 'xdstp://mesh/envoy.config.endpoint.v3.LbEndpoint';

/** Endpoints of a cluster by reference: each of them is a resource of its own. */
export const endpointsByCollection = (name: string): Resource => {
  const leds = { ledsConfig: ADS, ledsCollectionName: `${COLLECTION}/${name}/*` };
  const locality = { locality: { zone: 'one' }, lbConfig: { case: 'ledsClusterLocalityConfig', value: leds } } as const;
  const init = { clusterName: name, endpoints: [locality] };
  return resource(TYPE.endpoint, name, encode(ClusterLoadAssignmentSchema, init));
};

export const lbEndpoint = (cluster: string, port: number): Resource => {
  const hostIdentifier = { case: 'endpoint', value: { address: address(port) } } as const;
  return resource(TYPE.lbEndpoint, `${COLLECTION}/${cluster}/${port}`, encode(LbEndpointSchema, { hostIdentifier }));
};

import {
  Cluster_DiscoveryType,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  durationMs,
  encode,
  HttpConnectionManagerSchema,
  ListenerSchema,
  packAny,
  RouteConfigurationSchema,
  RouterSchema,
  TYPE,
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

export const listener = (name: string, port: number, statPrefix = name): Resource => {
  const manager = packAny(HttpConnectionManagerSchema, {
    statPrefix,
    routeSpecifier: { case: 'rds', value: { configSource: ADS, routeConfigName: 'routes' } },
    httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: packAny(RouterSchema, {}) } }],
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

export const routes = (to: string): Resource => {
  const action = { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: to } } } as const;
  const route = { match: { pathSpecifier: { case: 'prefix', value: '/' } }, action } as const;
  const init = { name: 'routes', virtualHosts: [{ name: 'all', domains: ['*'], routes: [route] }] };
  return resource(TYPE.route, 'routes', encode(RouteConfigurationSchema, init), [{ type: TYPE.cluster, name: to }]);
};

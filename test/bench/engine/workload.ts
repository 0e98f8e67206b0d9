import {
  Cluster_DiscoveryType,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  durationMs,
  encode,
  ListenerSchema,
  RouteConfigurationSchema,
  TYPE,
} from '#libs/envoy-api';
import type { Stage } from '#libs/xds';

/** Clusters, and endpoint resources of ten endpoints each. */
export const CLUSTERS = 200;
/** Listeners, and route configurations. */
export const LISTENERS = 20;
const ENDPOINTS = 10;
/** Bytes of a cluster, a listener and a route configuration: what each lacks of it is filled up. */
const SIZE = { cluster: 405, listener: 3_000, route: 3_400 };

export const clusterName = (index: number): string => `shop/service-${index}/8080`;
const listenerName = (index: number): string => `outbound/service-${index}`;

/** The names of a type that has no wildcard. */
export const NAMES = {
  endpoints: Array.from({ length: CLUSTERS }, (_, index) => clusterName(index)),
  routes: Array.from({ length: LISTENERS }, (_, index) => listenerName(index)),
};

/** Workload W: 280 KB for each proxy, in four types. */
export function stageWorkload(stage: Stage): void {
  for (let index = 0; index < CLUSTERS; index++) {
    const name = clusterName(index);
    stage.set(TYPE.cluster, name, cluster(name));
    stage.set(TYPE.endpoint, name, endpoints(index, 0));
  }
  for (let index = 0; index < LISTENERS; index++) {
    const name = listenerName(index);
    stage.set(TYPE.listener, name, encode(ListenerSchema, { name, statPrefix: filler(SIZE.listener) }));
    stage.set(TYPE.route, name, routes(name));
  }
  stage.commit();
}

/** One endpoint of one service is elsewhere. */
export function stagePush(stage: Stage, push: number): void {
  stage.set(TYPE.endpoint, clusterName(0), endpoints(0, 1 + (push % 250)));
  stage.commit();
}

const filler = (bytes: number): string => 'x'.repeat(bytes);

function cluster(name: string): Uint8Array {
  const init = {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: 2 } },
    connectTimeout: durationMs(1000),
  } as const;
  const missing = SIZE.cluster - encode(ClusterSchema, init).length - 4;
  return encode(ClusterSchema, { ...init, altStatName: filler(missing) });
}

/** @param moved 0: all where they were at first; else the last byte of the address of the first endpoint */
function endpoints(index: number, moved: number): Uint8Array {
  const lbEndpoints = Array.from({ length: ENDPOINTS }, (_, endpoint) => {
    const last = moved > 0 && endpoint === 0 ? moved : 10 + endpoint;
    const value = {
      address: `10.20.${index}.${last}`,
      portSpecifier: { case: 'portValue', value: 8080 },
    } as const;
    const address = { address: { case: 'socketAddress', value } } as const;
    return { hostIdentifier: { case: 'endpoint', value: { address } } } as const;
  });
  return encode(ClusterLoadAssignmentSchema, { clusterName: clusterName(index), endpoints: [{ lbEndpoints }] });
}

const routes = (name: string): Uint8Array =>
  encode(RouteConfigurationSchema, { name, virtualHosts: [{ name: filler(SIZE.route), domains: ['*'] }] });

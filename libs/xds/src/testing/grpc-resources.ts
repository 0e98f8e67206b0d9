/** Resources by hand that proxyless gRPC clients accept, and a server for them to call. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import {
  Cluster_DiscoveryType,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  encode,
  HttpConnectionManagerSchema,
  ListenerSchema,
  packAny,
  RouteConfigurationSchema,
  RouterSchema,
} from '#libs/envoy-api';

const ADS = { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: 2 } as const;
const same = (bytes: Buffer): Buffer => bytes;
export const METHOD = '/test.Echo/Name';

export interface Backend {
  readonly port: number;
  stop(): void;
}

/** A gRPC server that answers its name. */
export async function backend(name: string): Promise<Backend> {
  const server = new Server();
  const method = { path: METHOD, requestStream: false, responseStream: false } as const;
  const raw = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  server.addService(
    { Name: { ...method, ...raw } },
    { Name: (_call: unknown, done: (error: null, reply: Buffer) => void) => done(null, Buffer.from(name)) },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, stop: () => server.forceShutdown() };
}

/** GRPC-1: an API listener under the name of the target, with the router as its last filter. */
export const apiListener = (name: string, routeConfigName: string): Uint8Array => {
  const apiListener = packAny(HttpConnectionManagerSchema, {
    routeSpecifier: { case: 'rds', value: { configSource: ADS, routeConfigName } },
    httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: packAny(RouterSchema, {}) } }],
  });
  return encode(ListenerSchema, { name, apiListener: { apiListener } });
};

/** GRPC-4: by prefix, to clusters whose weights add up to one at least. */
export const grpcRoutes = (name: string, weights: Readonly<Record<string, number>>): Uint8Array => {
  const clusters = Object.entries(weights).map(([cluster, weight]) => ({ name: cluster, weight }));
  const clusterSpecifier = { case: 'weightedClusters', value: { clusters } } as const;
  const route = {
    match: { pathSpecifier: { case: 'prefix', value: '' } },
    action: { case: 'route', value: { clusterSpecifier } },
  } as const;
  return encode(RouteConfigurationSchema, { name, virtualHosts: [{ name: 'all', domains: ['*'], routes: [route] }] });
};

/** GRPC-5: EDS over ADS. */
export const grpcCluster = (name: string): Uint8Array =>
  encode(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS },
  });

/** A cluster that gRPC clients refuse, and Envoy would not: of a fixed address (GRPC-5). */
export const refusedCluster = (name: string): Uint8Array =>
  encode(ClusterSchema, { name, clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC } });

/** GRPC-7: without a locality, or without its weight, gRPC has no endpoints. */
export const grpcEndpoints = (clusterName: string, ...ports: readonly number[]): Uint8Array => {
  const lbEndpoints = ports.map((port) => {
    const portSpecifier = { case: 'portValue', value: port } as const;
    const address = { address: { case: 'socketAddress', value: { address: '127.0.0.1', portSpecifier } } } as const;
    return { hostIdentifier: { case: 'endpoint', value: { address } } } as const;
  });
  const locality = { locality: { region: 'r', zone: 'z' }, loadBalancingWeight: 1, lbEndpoints };
  return encode(ClusterLoadAssignmentSchema, { clusterName, endpoints: [locality] });
};

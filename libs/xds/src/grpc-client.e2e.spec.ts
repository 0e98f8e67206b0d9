import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Cluster_DiscoveryType,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  encode,
  HttpConnectionManagerSchema,
  ListenerSchema,
  packAny,
  RouterSchema,
  TYPE,
} from '#libs/envoy-api';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { type NackInfo, Stage, XdsServer } from './index.js';

const ADS = { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: 2 } as const;
const same = (bytes: Buffer): Buffer => bytes;
const METHOD = '/test.Echo/Name';

/** A gRPC server that answers its name. */
async function backend(name: string): Promise<{ server: Server; port: number }> {
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
  return { server, port };
}

/** What a proxyless client needs of a listener: an API listener with its routes inside (gRFC A27). */
const listener = (name: string, cluster: string): Uint8Array => {
  const action = { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: cluster } } } as const;
  const route = { match: { pathSpecifier: { case: 'prefix', value: '' } }, action } as const;
  const virtualHosts = [{ name: 'all', domains: ['*'], routes: [route] }];
  const manager = packAny(HttpConnectionManagerSchema, {
    routeSpecifier: { case: 'routeConfig', value: { name: 'inline', virtualHosts } },
    httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: packAny(RouterSchema, {}) } }],
  });
  return encode(ListenerSchema, { name, apiListener: { apiListener: manager } });
};

const cluster = (name: string): Uint8Array =>
  encode(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS },
  });

const endpoints = (clusterName: string, port: number): Uint8Array => {
  const portSpecifier = { case: 'portValue', value: port } as const;
  const address = { address: { case: 'socketAddress', value: { address: '127.0.0.1', portSpecifier } } } as const;
  const endpoint = { hostIdentifier: { case: 'endpoint', value: { address } } } as const;
  // GRPC-7: without a locality, or without its weight, gRPC has no endpoints.
  const locality = { locality: { region: 'r', zone: 'z' }, loadBalancingWeight: 1, lbEndpoints: [endpoint] };
  return encode(ClusterLoadAssignmentSchema, { clusterName, endpoints: [locality] });
};

describe('a proxyless gRPC client', () => {
  const nacks: NackInfo[] = [];
  const server = new XdsServer({
    gatekeeper: {
      authenticate: () => Promise.resolve({ id: 'anybody', expiresAt: Number.MAX_SAFE_INTEGER, claims: undefined }),
      admit: () => Promise.resolve(Stage.EVERYBODY),
    },
    listener: { nacked: (_stream, nack) => void nacks.push(nack) },
    ...{ clock: systemClock, log: silentLog, metrics: silentMetrics },
  });
  const stage = new Stage(server);
  const backends: Server[] = [];
  const ports: number[] = [];
  let client: Client | undefined;

  beforeAll(async () => {
    for (const name of ['one', 'two']) {
      const started = await backend(name);
      backends.push(started.server);
      ports.push(started.port);
    }
    stage.set(TYPE.listener, 'shop:80', listener('shop:80', 'orders'));
    stage
      .set(TYPE.cluster, 'orders', cluster('orders'))
      .set(TYPE.endpoint, 'orders', endpoints('orders', ports[0] ?? 0));
    stage.commit();
    const port = await server.start({ host: '127.0.0.1', port: 0, tls: 'plaintext' });
    process.env['GRPC_XDS_BOOTSTRAP_CONFIG'] = JSON.stringify({
      xds_servers: [
        { server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
      ],
      node: { id: 'grpc/1', locality: {} },
    });
    const { register } = await import('@grpc/grpc-js-xds');
    register();
    client = new Client('xds:///shop:80', credentials.createInsecure());
  });

  afterAll(async () => {
    client?.close();
    for (const one of backends) one.forceShutdown();
    await server.stop({ graceMs: 0 });
  });

  const call = (): Promise<string> =>
    new Promise((resolve) => {
      const deadline = Date.now() + 60_000;
      client?.makeUnaryRequest(METHOD, same, same, Buffer.alloc(0), { deadline }, (error, reply) =>
        resolve(error ? error.message : String(reply)),
      );
    });

  it('GRPC-1 GRPC-5 GRPC-7 finds its service by LDS, CDS and EDS, and accepts all', async () => {
    expect(await call()).toBe('one');
    expect(nacks).toEqual([]);
    expect(server.streams()[0]?.stream.variant).toBe('sotw');
  });

  it('WILD-6 is sent what it names and nothing else', async () => {
    stage.set(TYPE.cluster, 'unrelated', cluster('unrelated')).commit();
    stage.set(TYPE.endpoint, 'orders', endpoints('orders', ports[1] ?? 0)).commit();
    await expect.poll(call, { timeout: 60_000, interval: 50 }).toBe('two');
    const clusters = server.streams()[0]?.types.find(({ type }) => type === TYPE.cluster);
    expect([...(clusters?.acked.keys() ?? [])]).toEqual(['orders']);
  });

  it('moves to another cluster by its listener', async () => {
    stage.set(TYPE.cluster, 'blue', cluster('blue')).set(TYPE.endpoint, 'blue', endpoints('blue', ports[0] ?? 0));
    stage.set(TYPE.listener, 'shop:80', listener('shop:80', 'blue')).commit();
    await expect.poll(call, { timeout: 60_000, interval: 50 }).toBe('one');
    expect(nacks).toEqual([]);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
import { contentHash, silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { findEnvoy, freePort } from '#libs/launcher';
import { type Ref, type Resource, XdsServer } from './index.js';

const ADS = { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: 2 } as const;

const resource = (type: string, name: string, bytes: Uint8Array, requires: Ref[] = []): Resource => ({
  ...{ key: `${type}/${name}`, type, name, version: contentHash(bytes), bytes, requires },
});

const cluster = (name: string, timeoutMs = 1000): Resource =>
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

const endpoints = (name: string, port: number): Resource => {
  const hostIdentifier = { case: 'endpoint', value: { address: address(port) } } as const;
  const init = { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier }] }] };
  return resource(TYPE.endpoint, name, encode(ClusterLoadAssignmentSchema, init));
};

const listener = (name: string, port: number): Resource => {
  const manager = packAny(HttpConnectionManagerSchema, {
    statPrefix: name,
    routeSpecifier: { case: 'rds', value: { configSource: ADS, routeConfigName: 'routes' } },
    httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: packAny(RouterSchema, {}) } }],
  });
  const filters = [{ name: 'hcm', configType: { case: 'typedConfig', value: manager } } as const];
  return resource(
    TYPE.listener,
    name,
    encode(ListenerSchema, { name, address: address(port), filterChains: [{ filters }] }),
  );
};

const routes = (to: string): Resource => {
  const action = { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: to } } } as const;
  const route = { match: { pathSpecifier: { case: 'prefix', value: '/' } }, action } as const;
  const init = { name: 'routes', virtualHosts: [{ name: 'all', domains: ['*'], routes: [route] }] };
  return resource(TYPE.route, 'routes', encode(RouteConfigurationSchema, init), [{ type: TYPE.cluster, name: to }]);
};

const bootstrap = (xds: number): object => ({
  node: { id: 'first/1', cluster: 'first' },
  dynamic_resources: {
    ads_config: {
      api_type: 'DELTA_GRPC',
      transport_api_version: 'V3',
      grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
    },
    cds_config: { resource_api_version: 'V3', ads: {} },
    lds_config: { resource_api_version: 'V3', ads: {} },
  },
  static_resources: {
    clusters: [
      {
        name: 'xds',
        connect_timeout: '1s',
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
        load_assignment: {
          cluster_name: 'xds',
          endpoints: [
            {
              lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: xds } } } }],
            },
          ],
        },
      },
    ],
  },
});

/** Body of a GET, or the error's code. */
const fetchText = (port: number): Promise<string> =>
  new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/' }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => resolve(body));
    });
    request.on('error', (error) => resolve(String(error)));
  });

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a stock Envoy', () => {
  const nacks: string[] = [];
  const dir = mkdtempSync(join(tmpdir(), 'first-envoy-'));
  const backends = ['one', 'two'].map((name) => createServer((_request, response) => response.end(name)));
  const ports: number[] = [];
  const server = new XdsServer({
    gatekeeper: {
      authenticate: () => Promise.resolve({ id: 'first', expiresAt: Number.MAX_SAFE_INTEGER, claims: undefined }),
      admit: () => Promise.resolve('main'),
    },
    listener: { nacked: (_stream, nack) => void nacks.push(nack.message) },
    ...{ clock: systemClock, log: silentLog, metrics: silentMetrics },
  });
  let envoy: ChildProcess | undefined;
  let inbound = 0;
  let change = 0;
  let previous: readonly string[] = [];

  const publish = (...set: readonly Resource[]): number => {
    const keys = set.map((r) => r.key);
    const removed = previous.filter((key) => !keys.includes(key));
    previous = keys;
    const views = [{ id: 'main', layers: ['all'] }];
    server.publish({
      change: ++change,
      set,
      removed,
      layers: [{ id: 'all', keys }],
      removedLayers: [],
      views,
      removedViews: [],
    });
    return change;
  };

  beforeAll(async () => {
    for (const backend of backends) {
      await once(backend.listen(0, '127.0.0.1'), 'listening');
      const bound = backend.address();
      ports.push(typeof bound === 'object' && bound ? bound.port : 0);
    }
    inbound = await freePort();
    const xds = await server.start({ host: '127.0.0.1', port: 0, tls: 'plaintext' });
    const { path } = await findEnvoy();
    const config = join(dir, 'envoy.json');
    writeFileSync(config, JSON.stringify(bootstrap(xds)));
    const args = ['-c', config, '--concurrency', '1', '--use-dynamic-base-id', '-l', 'error'];
    envoy = spawn(path, args, { stdio: 'ignore' });
  });

  afterAll(async () => {
    const ended = envoy && once(envoy, 'exit');
    envoy?.kill('SIGKILL');
    await ended;
    await server.stop({ graceMs: 0 });
    for (const backend of backends) backend.close();
    rmSync(dir, { recursive: true });
  });

  it('gets clusters, endpoints, a listener and routes, and serves', async () => {
    publish(cluster('a'), endpoints('a', ports[0] ?? 0), listener('in', inbound), routes('a'));
    await until('served by the first', async () => (await fetchText(inbound)) === 'one');
    expect(server.progress(change)).toEqual({ streams: 1, acked: 1 });
  });

  it('ORD-2 moves to a new cluster without a failed request, and loses the old one last', async () => {
    publish(cluster('b'), endpoints('b', ports[1] ?? 0), listener('in', inbound), routes('b'));
    const bodies = new Set<string>();
    await until('served by the second', async () => {
      const body = await fetchText(inbound);
      bodies.add(body);
      return body === 'two';
    });
    expect([...bodies].filter((body) => body !== 'one')).toEqual(['two']);
    await until('all is ACKed', () => server.progress(change).acked === 1);
  });

  it('ORD-5 ENV-4 a changed cluster is warm at once, its endpoints being unchanged', async () => {
    const started = Date.now();
    publish(cluster('b', 2000), endpoints('b', ports[1] ?? 0), listener('in', inbound), routes('b'));
    await until('all is ACKed', () => server.progress(change).acked === 1);
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(nacks).toEqual([]);
  });
});

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const FILES = [
  'discovery/v3/ads',
  'listener/v3/lds',
  'route/v3/rds',
  'route/v3/srds',
  'cluster/v3/cds',
  'endpoint/v3/eds',
  'endpoint/v3/leds',
  'secret/v3/sds',
  'runtime/v3/rtds',
  'extension/v3/config_discovery',
  'status/v3/csds',
];

/** Full names of the discovery services, for `discoveryService`. */
export const SERVICE = {
  ads: 'envoy.service.discovery.v3.AggregatedDiscoveryService',
  lds: 'envoy.service.listener.v3.ListenerDiscoveryService',
  rds: 'envoy.service.route.v3.RouteDiscoveryService',
  srds: 'envoy.service.route.v3.ScopedRoutesDiscoveryService',
  cds: 'envoy.service.cluster.v3.ClusterDiscoveryService',
  eds: 'envoy.service.endpoint.v3.EndpointDiscoveryService',
  sds: 'envoy.service.secret.v3.SecretDiscoveryService',
  rtds: 'envoy.service.runtime.v3.RuntimeDiscoveryService',
  vhds: 'envoy.service.route.v3.VirtualHostDiscoveryService',
  leds: 'envoy.service.endpoint.v3.LocalityEndpointDiscoveryService',
  ecds: 'envoy.service.extension.v3.ExtensionConfigDiscoveryService',
  csds: 'envoy.service.status.v3.ClientStatusDiscoveryService',
} as const;

/** A service whose handlers get and write raw message bytes: the hot path decodes only what it needs. */
export type RawService = Record<string, MethodDefinition<Buffer, Buffer>>;

let loaded: Map<string, RawService> | undefined;

/** The service definition by full name, read from `proto/services`. @throws Error when there is no such service. */
export function discoveryService(name: (typeof SERVICE)[keyof typeof SERVICE]): RawService {
  loaded ??= load();
  const service = loaded.get(name);
  if (!service) throw new Error(`no discovery service ${name}`);
  return service;
}

function load(): Map<string, RawService> {
  const root = projectRoot(import.meta.dirname);
  const definitions = loadSync(
    FILES.map((file) => `envoy/service/${file}.proto`),
    { includeDirs: [join(root, 'proto/services')], keepCase: true },
  );
  const services = new Map<string, RawService>();
  for (const [name, definition] of Object.entries(definitions)) {
    if ('format' in definition) continue;
    services.set(name, raw(definition as ServiceDefinition));
  }
  return services;
}

const same = (bytes: Buffer): Buffer => bytes;

function raw(service: ServiceDefinition): RawService {
  const methods = Object.entries(service).map(([name, method]) => {
    const identity = {
      requestDeserialize: same,
      requestSerialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    return [name, { ...method, ...identity }] as const;
  });
  return Object.fromEntries(methods);
}

/** The folder that holds package.json: three levels up from the sources, four from the build. */
function projectRoot(from: string): string {
  for (let dir = from; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'proto/services'))) return dir;
    if (dir === dirname(dir)) throw new Error('proto/services is missing: run `npm run generate`');
  }
}

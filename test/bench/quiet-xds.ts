/**
 * Stands between a sidecar and the control plane, and takes out of every listener what makes the sidecar tell of requests. All
 * the rest of its configuration, secrets too, passes as it is.
 */
import {
  Client,
  type ClientDuplexStream,
  credentials,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from '@grpc/grpc-js';
import {
  type Any,
  DeltaDiscoveryResponseSchema,
  discoveryService,
  fromBinary,
  HttpConnectionManagerSchema,
  ListenerSchema,
  RouterSchema,
  SERVICE,
  toBinary,
} from '#libs/envoy-api';
import type { XdsEndpoint } from '#libs/launcher';
import { selfSigned } from '../self-signed.js';

const same = (bytes: Buffer): Buffer => bytes;
const isOf = (any: Any, { typeName }: { readonly typeName: string }): boolean => any.typeUrl.endsWith(`/${typeName}`);

function quietRouter(any: Any): void {
  if (!isOf(any, RouterSchema)) return;
  const router = fromBinary(RouterSchema, any.value);
  router.upstreamLog = [];
  any.value = toBinary(RouterSchema, router);
}

function quietManager(any: Any): void {
  if (!isOf(any, HttpConnectionManagerSchema)) return;
  const manager = fromBinary(HttpConnectionManagerSchema, any.value);
  manager.accessLog = [];
  for (const { configType } of manager.httpFilters)
    if (configType.case === 'typedConfig') quietRouter(configType.value);
  any.value = toBinary(HttpConnectionManagerSchema, manager);
}

function quietListener(any: Any): void {
  if (!isOf(any, ListenerSchema)) return;
  const listener = fromBinary(ListenerSchema, any.value);
  listener.accessLog = [];
  const chains = [...listener.filterChains, ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : [])];
  for (const { configType } of chains.flatMap(({ filters }) => filters))
    if (configType.case === 'typedConfig') quietManager(configType.value);
  any.value = toBinary(ListenerSchema, listener);
}

/** @returns the same response, whose listeners tell nothing */
function quieted(bytes: Buffer): Buffer {
  const response = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  for (const { resource } of response.resources) if (resource) quietListener(resource);
  return Buffer.from(toBinary(DeltaDiscoveryResponseSchema, response));
}

export interface QuietXds {
  /** What a sidecar is told in place of the control plane's own. */
  readonly xds: XdsEndpoint;
  readonly caPem: string;
  stop(): void;
}

export async function startQuietXds(to: XdsEndpoint, caPem: string): Promise<QuietXds> {
  const { serverName } = to;
  const own = await selfSigned([{ type: 'dns', value: serverName }]);
  const method = discoveryService(SERVICE.ads)['DeltaAggregatedResources'];
  if (!method) throw new Error('there is no delta ADS');
  const client = new Client(`127.0.0.1:${to.port}`, credentials.createSsl(Buffer.from(caPem)), {
    'grpc.ssl_target_name_override': serverName,
  });
  const pass = (from: ServerDuplexStream<Buffer, Buffer>): void => {
    const metadata: Metadata = from.metadata.clone();
    const upstream: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
      method.path,
      same,
      same,
      metadata,
    );
    from.on('data', (bytes: Buffer) => upstream.write(bytes));
    from.on('end', () => upstream.end());
    from.on('cancelled', () => upstream.cancel());
    upstream.on('data', (bytes: Buffer) => from.write(quieted(bytes)));
    upstream.on('error', (error) => from.destroy(error));
    upstream.on('end', () => from.end());
  };
  const server = new Server();
  server.addService({ DeltaAggregatedResources: method }, { DeltaAggregatedResources: pass });
  const pair = { private_key: Buffer.from(own.key), cert_chain: Buffer.from(own.certificate) };
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    xds: { ...to, address: '127.0.0.1', port },
    caPem: own.certificate,
    stop: () => {
      server.forceShutdown();
      client.close();
    },
  };
}

/** Resources by hand for one Envoy that calls itself over mutual TLS, with the TLS contexts of the product. */
import { downstreamTls, upstreamTls } from '#libs/compiler';
import {
  ApiVersion,
  Cluster_DiscoveryType,
  ClusterSchema,
  encode,
  HttpConnectionManager_ForwardClientCertDetails as Forward,
  HttpConnectionManagerSchema,
  ListenerSchema,
  packAny,
  RouterSchema,
  TYPE,
  UpstreamHttpProtocolOptionsSchema,
  UpstreamTlsContextSchema,
} from '#libs/envoy-api';
import { contentHash } from '#libs/kernel';
import type { Ref, Resource } from '#libs/xds';

const ADS = { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: ApiVersion.V3 } as const;
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const resource = (type: string, name: string, bytes: Uint8Array, requires: Ref[] = []): Resource => ({
  ...{ key: `${type}/${name}`, type, name, version: contentHash(bytes), bytes, requires },
});

/** Every request is a TLS handshake of its own: what the next one is made with shows at once. */
const ONE_REQUEST_EACH = packAny(UpstreamHttpProtocolOptionsSchema, {
  commonHttpProtocolOptions: { maxRequestsPerConnection: 1 },
  upstreamProtocolOptions: {
    case: 'explicitHttpConfig',
    value: { protocolConfig: { case: 'httpProtocolOptions', value: {} } },
  },
});

type TransportSocket = ReturnType<typeof upstreamTls>;

const tlsCluster = (name: string, transportSocket: TransportSocket): Resource =>
  resource(
    TYPE.cluster,
    name,
    encode(ClusterSchema, {
      name,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: ADS },
      typedExtensionProtocolOptions: { [HTTP_OPTIONS]: ONE_REQUEST_EACH },
      transportSocket,
    }),
  );

export const mtlsCluster = (name: string, identity: string): Resource =>
  tlsCluster(name, upstreamTls({ sni: 'self.mesh', alpn: ['http/1.1'], identities: [identity] }));

/** A cluster that stays warming until a secret of this name has come. */
export const waitingCluster = (name: string, secret: string): Resource => {
  const tlsCertificateSdsSecretConfigs = [{ name: secret, sdsConfig: ADS }];
  const typedConfig = packAny(UpstreamTlsContextSchema, { commonTlsContext: { tlsCertificateSdsSecretConfigs } });
  return tlsCluster(name, {
    name: 'envoy.transport_sockets.tls',
    configType: { case: 'typedConfig', value: typedConfig },
  });
};

const listener = (name: string, port: number, to: string, tls: boolean): Resource => {
  const action = { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: to } } } as const;
  const route = { match: { pathSpecifier: { case: 'prefix', value: '/' } }, action } as const;
  const manager = packAny(HttpConnectionManagerSchema, {
    statPrefix: name,
    routeSpecifier: {
      case: 'routeConfig',
      value: { name, virtualHosts: [{ name: 'all', domains: ['*'], routes: [route] }] },
    },
    httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: packAny(RouterSchema, {}) } }],
    ...(tls ? { forwardClientCertDetails: Forward.SANITIZE_SET, setCurrentClientCertDetails: { cert: true } } : {}),
  });
  const filters = [{ name: 'hcm', configType: { case: 'typedConfig', value: manager } } as const];
  const chain = tls
    ? { filters, transportSocket: downstreamTls({ alpn: ['http/1.1'], allowed: undefined }) }
    : { filters };
  const portSpecifier = { case: 'portValue', value: port } as const;
  const address = { address: { case: 'socketAddress', value: { address: '127.0.0.1', portSpecifier } } } as const;
  const bytes = encode(ListenerSchema, { name, address, filterChains: [chain] });
  return resource(TYPE.listener, name, bytes, [{ type: TYPE.cluster, name: to }]);
};

export const mtlsListener = (name: string, port: number, to: string): Resource => listener(name, port, to, true);
export const plainListener = (name: string, port: number, to: string): Resource => listener(name, port, to, false);

import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { isDnsSubdomain, nodeId, type ProxyIdentity, parseNodeId } from '#libs/kernel';
import { METRICS_CONNECTIONS, METRICS_LISTENER, metricsResources } from './bootstrap-metrics.js';
import { reports, statsConfig } from './bootstrap-stats.js';
import { LauncherError } from './launcher-error.js';
import type { SocketAddress } from './socket-address.js';

/** Where the control plane serves xDS, and the name that its certificate must carry. */
export interface XdsEndpoint {
  /** An IP address, or a name that the host resolves. */
  readonly address: string;
  readonly port: number;
  /** Checked against the certificate's DNS names, whatever the address is (SEC-17). */
  readonly serverName: string;
}

/** What the control plane says a sidecar needs to find and trust it. */
export interface BootstrapInfo {
  readonly xds: XdsEndpoint;
  readonly caPem: string;
  readonly meshes: readonly string[];
}

export interface BootstrapOptions {
  /** Becomes `node.id`; must lie within what the token grants. */
  readonly identity: ProxyIdentity;
  readonly xds: XdsEndpoint;
  /** Envoy's own HTTP interface: never reachable from other hosts, it can stop Envoy and shows secrets' names. */
  readonly admin: SocketAddress;
  /** The certificates that may vouch for the control plane, PEM. Without any nothing is rendered (SEC-17). */
  readonly caPem: string;
  /** The folder that holds the secret files, as Envoy sees it. */
  readonly dir: string;
  /** Size of the largest regular expression accepted, in RE2 instructions; default 1000. Envoy's own default is 100. */
  readonly re2MaxProgramSize?: number;
  /** Downstream connections accepted at the same time, over all listeners; default 50000. */
  readonly maxConnections?: number;
  readonly locality?: { readonly region?: string; readonly zone?: string };
  /**
   * How often the sidecar reports its request counts to the control plane, in milliseconds: 1000 to 300000. Default 5000. 0: never.
   */
  readonly reportIntervalMs?: number;
  /** Prefixes of further statistics to keep, for example `listener.`. */
  readonly extraStats?: readonly string[];
  /** Where Prometheus may read the statistics, in plaintext: `GET /stats/prometheus`, nothing else. Default: nowhere. */
  readonly metrics?: SocketAddress;
}

/** A bootstrap as a plain object: the JSON form of `envoy.config.bootstrap.v3.Bootstrap`. */
export type Bootstrap = Readonly<Record<string, unknown>>;

/** The names of what lies in a sidecar's folder. */
export const SIDECAR_FILES = {
  /** What Envoy is started with. */
  bootstrap: 'bootstrap.yaml',
  /** The pinned CA and server name, as an SDS file. */
  sdsCa: 'sds-ca.yaml',
  /** The token with `Bearer ` before it, as an SDS file. Mode 0600. */
  sdsToken: 'sds-token.yaml',
  /** The bare token, for whoever renews it by hand. Mode 0600. */
  token: 'token',
  /** The same CA as PEM, for `curl --cacert` when the token is renewed. */
  ca: 'ca.pem',
} as const;

/** The name of the only static cluster: the control plane. */
export const XDS_CLUSTER = 'heddle_xds';

const TYPE = 'type.googleapis.com/envoy';
const UPSTREAM_HTTP = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const ADS = { resource_api_version: 'V3', initial_fetch_timeout: '0s', ads: {} };

/**
 * The bootstrap of a sidecar: delta ADS over TLS 1.3 to one pinned control plane, the token from a file, and nothing
 * static besides. It holds no secret; the three files it points to are written by `writeSidecarFiles`.
 * @throws LauncherError when there is no CA to pin (SEC-17), or when a value would not reach Envoy as it is meant.
 */
export function renderBootstrap(options: BootstrapOptions): Bootstrap {
  checkOptions(options);
  const { identity, admin, locality, metrics, maxConnections = 50_000 } = options;
  const { listeners, clusters } = metrics ? metricsResources(metrics, admin) : { listeners: [], clusters: [] };
  return {
    node: {
      id: nodeId(identity),
      cluster: `${identity.namespace}/${identity.workload}`,
      ...(locality && { locality: { ...locality } }),
    },
    admin: { address: { socket_address: { address: admin.address, port_value: admin.port } } },
    ...reports(options.reportIntervalMs ?? 5_000, XDS_CLUSTER),
    stats_config: statsConfig(options.extraStats ?? []),
    layered_runtime: { layers: [{ name: 'heddle', static_layer: runtimeLimits(options) }] },
    overload_manager: {
      resource_monitors: [
        {
          name: 'envoy.resource_monitors.global_downstream_max_connections',
          typed_config: {
            '@type': `${TYPE}.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig`,
            max_active_downstream_connections: maxConnections,
          },
        },
      ],
    },
    dynamic_resources: dynamicResources(options.xds),
    static_resources: {
      ...(listeners.length > 0 && { listeners }),
      clusters: [xdsCluster(options), ...clusters],
    },
  };
}

const runtimeLimits = ({ re2MaxProgramSize = 1000, metrics }: BootstrapOptions): Bootstrap => ({
  're2.max_program_size.error_level': re2MaxProgramSize,
  ...(metrics && { [`envoy.resource_limits.listener.${METRICS_LISTENER}.connection_limit`]: METRICS_CONNECTIONS }),
});

function dynamicResources({ serverName }: XdsEndpoint): Bootstrap {
  return {
    ads_config: {
      api_type: 'DELTA_GRPC',
      transport_api_version: 'V3',
      set_node_on_first_message_only: true,
      grpc_services: [
        {
          envoy_grpc: {
            cluster_name: XDS_CLUSTER,
            authority: serverName,
            retry_policy: { retry_back_off: { base_interval: '0.2s', max_interval: '1s' } },
          },
        },
      ],
    },
    cds_config: ADS,
    lds_config: ADS,
  };
}

function xdsCluster({ xds, dir }: BootstrapOptions): Bootstrap {
  return {
    name: XDS_CLUSTER,
    type: isIP(xds.address) === 0 ? 'STRICT_DNS' : 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `type.googleapis.com/${UPSTREAM_HTTP}`,
        explicit_http_config: {
          http2_protocol_options: { connection_keepalive: { interval: '15s', timeout: '5s' } },
        },
        http_filters: [
          credentialInjector(dir),
          {
            name: 'envoy.filters.http.upstream_codec',
            typed_config: { '@type': `${TYPE}.extensions.filters.http.upstream_codec.v3.UpstreamCodec` },
          },
        ],
      },
    },
    upstream_connection_options: {
      tcp_keepalive: { keepalive_probes: 3, keepalive_time: 10, keepalive_interval: 10 },
    },
    load_assignment: {
      cluster_name: XDS_CLUSTER,
      endpoints: [
        {
          lb_endpoints: [{ endpoint: { address: { socket_address: { address: xds.address, port_value: xds.port } } } }],
        },
      ],
    },
    transport_socket: pinnedTls(xds.serverName, dir),
  };
}

/** Puts the token of the file into every stream that is opened; a renewed file needs no restart. */
function credentialInjector(dir: string): Bootstrap {
  return {
    name: 'envoy.filters.http.credential_injector',
    typed_config: {
      '@type': `${TYPE}.extensions.filters.http.credential_injector.v3.CredentialInjector`,
      overwrite: true,
      credential: {
        name: 'envoy.http.injected_credentials.generic',
        typed_config: {
          '@type': `${TYPE}.extensions.http.injected_credentials.generic.v3.Generic`,
          credential: { name: 'xds_token', sds_config: secretFile(dir, SIDECAR_FILES.sdsToken) },
        },
      },
    },
  };
}

function pinnedTls(serverName: string, dir: string): Bootstrap {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext`,
      sni: serverName,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
        alpn_protocols: ['h2'],
        validation_context_sds_secret_config: { name: 'xds_ca', sds_config: secretFile(dir, SIDECAR_FILES.sdsCa) },
      },
    },
  };
}

/** Envoy rereads the file when a rename in its folder replaces it; writing into it in place would go unseen. */
function secretFile(dir: string, name: string): Bootstrap {
  return {
    resource_api_version: 'V3',
    path_config_source: { path: `${dir}/${name}`, watched_directory: { path: dir } },
  };
}

function checkOptions(options: BootstrapOptions): void {
  const { identity, xds, admin, metrics } = options;
  checkCaPem(options.caPem);
  if (parseNodeId(nodeId(identity)) === undefined) {
    throw new LauncherError(`${nodeId(identity)} is no node id: mesh, namespace, workload and instance are DNS names`);
  }
  if (isIP(xds.serverName) !== 0 || !isDnsSubdomain(xds.serverName)) {
    throw new LauncherError(
      `the control plane's server name is ${JSON.stringify(xds.serverName)}: it must be a DNS name`,
    );
  }
  checkReportInterval(options.reportIntervalMs ?? 0);
  for (const [what, { address, port }] of Object.entries({ xds, admin, ...(metrics && { metrics }) })) {
    if (address === '') throw new LauncherError(`the ${what} address is empty`);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new LauncherError(`the ${what} port is ${port}: it must be a whole number from 1 to 65535`);
    }
  }
}

function checkReportInterval(ms: number): void {
  if (ms === 0 || (Number.isInteger(ms) && ms >= 1_000 && ms <= 300_000)) return;
  throw new LauncherError(`the report interval is ${ms} ms: it must be 0 or a whole number from 1000 to 300000`);
}

/**
 * Refuses anything that is not at least one certificate: an Envoy without a CA believes whoever answers, and would hand
 * its token to an impostor (SEC-17).
 */
export function checkCaPem(caPem: string): void {
  const blocks = caPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) {
    throw new LauncherError(
      'no CA certificate of the control plane (PEM) was given: a sidecar without one would trust anybody',
    );
  }
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (error) {
      throw new LauncherError('the CA of the control plane is no valid PEM certificate', { cause: error });
    }
  }
}

/** The listener by which Prometheus reads a sidecar's statistics, and nothing else of Envoy's admin interface (SEC-60). */
import type { SocketAddress } from './socket-address.js';

type Json = Readonly<Record<string, unknown>>;

/** What it answers: all that the sidecar keeps. */
export const METRICS_PATH = '/stats/prometheus';
/**
 * Less of it, each below that path by its name in lower case: Envoy's filter over full names, RE2, which searches. Nobody but
 * whoever starts the sidecar says what is searched for.
 */
const DETAILS: Readonly<Record<string, string>> = {
  // All but names that end with `_time`: the histograms of latency, some thirty series for each service that was called.
  Counts: '([^e]|[^m]e|[^i]me|[^t]ime|[^_]time)$',
  // What it serves and how it is, and nothing by whom it calls.
  Minimal: String.raw`^((http|tcp)\.inbound|listener\.|server\.|control_plane\.|(cluster|listener)_manager\.)`,
};
/** Names of what there is less than everything: registered with the listener, so that Prometheus is sent to no other path. */
export const METRICS_DETAILS: readonly string[] = Object.keys(DETAILS);
/** Name of the listener; the control plane's have a slash or are one word, so none takes its place. */
export const METRICS_LISTENER = 'heddle_metrics';
const ADMIN_CLUSTER = 'heddle_admin';

const TYPE = 'type.googleapis.com/envoy';
/** Scrapes at the same time: each holds Envoy's main thread for some milliseconds. Further ones wait. */
const SCRAPES = 2;
const WAITING_SCRAPES = 8;
/** Connections; they are counted apart, so that a flood of others does not hide itself. */
export const METRICS_CONNECTIONS = 64;

/** What it adds to `static_resources`. */
export interface MetricsResources {
  readonly listeners: readonly Json[];
  readonly clusters: readonly Json[];
}

/** @param at where it listens @param admin the interface that it asks, on loopback */
export const metricsResources = (at: SocketAddress, admin: SocketAddress): MetricsResources => ({
  listeners: [listener(at)],
  clusters: [
    {
      name: ADMIN_CLUSTER,
      type: 'STATIC',
      connect_timeout: '1s',
      circuit_breakers: {
        thresholds: [{ max_connections: SCRAPES, max_pending_requests: WAITING_SCRAPES, max_requests: SCRAPES }],
      },
      load_assignment: {
        cluster_name: ADMIN_CLUSTER,
        endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(admin) } }] }],
      },
    },
  ],
});

const socket = ({ address, port }: SocketAddress): Json => ({ socket_address: { address, port_value: port } });

function listener(at: SocketAddress): Json {
  return {
    name: METRICS_LISTENER,
    address: socket(at),
    per_connection_buffer_limit_bytes: 32_768,
    ignore_global_conn_limit: true,
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': `${TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: METRICS_LISTENER,
              codec_type: 'HTTP1',
              max_request_headers_kb: 8,
              request_headers_timeout: '10s',
              request_timeout: '30s',
              stream_idle_timeout: '30s',
              common_http_protocol_options: { idle_timeout: '120s', max_headers_count: 50 },
              generate_request_id: false,
              server_header_transformation: 'PASS_THROUGH',
              route_config: { name: METRICS_LISTENER, virtual_hosts: [virtualHost()] },
              http_filters: [gzip(), router()],
            },
          },
        ],
      },
    ],
  };
}

/**
 * A few addresses, as they came: `:path` is compared with its query and before anything is made of dots, slashes or escapes, so
 * that nothing which the admin interface would read otherwise gets there. A request with a body is none of Prometheus.
 */
const virtualHost = (): Json => ({
  name: METRICS_LISTENER,
  domains: ['*'],
  // What never happened is not told: it would be most of it.
  routes: [
    route(METRICS_PATH, `${METRICS_PATH}?usedonly`),
    ...Object.entries(DETAILS).map(([name, filter]) =>
      route(`${METRICS_PATH}/${name.toLowerCase()}`, `${METRICS_PATH}?usedonly&filter=${encodeURIComponent(filter)}`),
    ),
  ],
});

/** @param to the admin interface's own address, with its query */
const route = (path: string, to: string): Json => ({
  match: {
    path,
    headers: [
      { name: ':path', string_match: { exact: path } },
      { name: ':method', string_match: { exact: 'GET' } },
      { name: 'content-length', present_match: true, invert_match: true },
    ],
  },
  route: { cluster: ADMIN_CLUSTER, prefix_rewrite: to, timeout: '10s' },
});

/** A tenth of the bytes; the admin interface itself compresses nothing. */
const gzip = (): Json => ({
  name: 'envoy.filters.http.compressor',
  typed_config: {
    '@type': `${TYPE}.extensions.filters.http.compressor.v3.Compressor`,
    compressor_library: {
      name: 'gzip',
      typed_config: { '@type': `${TYPE}.extensions.compression.gzip.compressor.v3.Gzip` },
    },
  },
});

const router = (): Json => ({
  name: 'envoy.filters.http.router',
  typed_config: { '@type': `${TYPE}.extensions.filters.http.router.v3.Router`, suppress_envoy_headers: true },
});

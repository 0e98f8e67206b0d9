/** What a sidecar counts, and how it reports it. */

type Json = Readonly<Record<string, unknown>>;

/**
 * Statistics that Heddle reads, or that say why something fails; all others cost memory in every sidecar for nobody, and
 * bytes in every report, which takes all that this lets through and was ever used. Gauges are always sent: few are here.
 * Several small expressions, since an Envoy may be told to refuse larger ones.
 */
const STATS: readonly Json[] = [
  String.raw`cluster\.[^.]+\.upstream_rq_(completed|[2-5]xx|timeout|pending_overflow)`,
  // Of callers; what the application behind a sidecar took is in their times.
  String.raw`cluster\.[^./]+/[^./]+/[^.]+\.upstream_rq_time`,
  String.raw`cluster\.[^.]+\.upstream_rq_retry(_overflow)?`,
  String.raw`cluster\.[^.]+\.upstream_cx_connect_(fail|timeout)`,
  String.raw`cluster\.[^.]+\.(lb_healthy_panic|update_rejected)`,
  String.raw`cluster\.[^.]+\.ssl\.(connection_error|fail_verify.*)`,
  // Callers whose certificates are not accepted: they themselves only see that the connection ends.
  String.raw`listener\..+\.ssl\.fail_verify_.*`,
  String.raw`cluster\.[^.]+\.outlier_detection\.ejections_enforced_total`,
  String.raw`cluster\.[^.]+\..*credential_injector\.(injected|failed)`,
  String.raw`http\.(in|out)bound[^.]*\.(downstream_rq_(completed|5xx)|no_route)`,
  String.raw`(http|tcp)\.inbound.*\.(downstream_[rc][qx]_active|.*denied)`,
  String.raw`http\.inbound[^.]*\.downstream_cx_drain_close`,
  String.raw`http\..*rds\..*\.update_rejected`,
  String.raw`server\.(live|state|uptime|concurrency|memory_allocated)`,
].map((regex) => ({ safe_regex: { regex } }));
/** Connections to a TCP port that takes plaintext too, without mutual TLS. */
const PLAIN_TCP = '_plain.downstream_cx_total';
/**
 * Bounds of the times that are told apart, in milliseconds, in which Envoy counts: a quantile between two of them is known to
 * 15 % of itself. Each costs a sidecar 13 bytes a report for each service that it has called.
 */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  ...[1, 2, 3, 4, 5, 7, 9, 12, 16, 22, 30, 40, 54, 72, 97, 130, 175, 235, 315, 425, 570, 770],
  ...[1_040, 1_400, 1_900, 2_600, 3_500, 5_000, 10_000, 30_000],
];
const STATS_BY_PREFIX = ['listener_manager', 'cluster_manager', 'control_plane'];

/** @param extra prefixes of further statistics to keep */
export const statsConfig = (extra: readonly string[]): Json => ({
  histogram_bucket_settings: [
    { match: { suffix: '.upstream_rq_time' }, buckets: LATENCY_BOUNDS_MS },
    // Nobody reads how long updates took.
    { match: { suffix: '.update_duration' }, buckets: [1_000] },
  ],
  stats_matcher: {
    inclusion_list: {
      patterns: [...STATS, { suffix: PLAIN_TCP }, ...[...STATS_BY_PREFIX, ...extra].map((prefix) => ({ prefix }))],
    },
  },
});

/**
 * Counters go to the control plane as deltas: what is summed of them is right whether Envoy restarts, the stream is opened
 * anew, or another replica is reached. They carry their full names, which say all that labels would in half the bytes.
 */
export function reports(intervalMs: number, cluster: string): Json {
  if (intervalMs === 0) return {};
  return {
    stats_flush_interval: `${intervalMs / 1000}s`,
    stats_sinks: [
      {
        name: 'envoy.stat_sinks.metrics_service',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.config.metrics.v3.MetricsServiceConfig',
          transport_api_version: 'V3',
          report_counters_as_deltas: true,
          histogram_emit_mode: 'HISTOGRAM',
          grpc_service: { envoy_grpc: { cluster_name: cluster } },
        },
      },
    ],
  };
}

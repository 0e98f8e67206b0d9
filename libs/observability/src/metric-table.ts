/** What a metric is, for people and for Prometheus. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Label names; each has a small closed set of values, never a proxy, a stream or a resource. Default: none. */
  readonly labels?: readonly string[];
  /** Upper bounds of a histogram's buckets, in the unit of its name. */
  readonly buckets?: readonly number[];
}

const counter = (help: string, ...labels: readonly string[]): MetricDefinition => define('counter', help, labels);
const gauge = (help: string, ...labels: readonly string[]): MetricDefinition => define('gauge', help, labels);
const histogram = (help: string, buckets: readonly number[], ...labels: readonly string[]): MetricDefinition => ({
  ...define('histogram', help, labels),
  buckets,
});

function define(kind: MetricDefinition['kind'], help: string, labels: readonly string[]): MetricDefinition {
  return labels.length > 0 ? { kind, help, labels } : { kind, help };
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Every metric of Heddle's own. A use that is not in this table is found by a test. */
export const METRICS: Readonly<Record<string, MetricDefinition>> = {
  // Process
  heddle_event_loop_lag_seconds: gauge('Lateness of timers within the last second.', 'quantile'),
  heddle_event_loop_stall_seconds: histogram('Longest lateness of a timer, one observation a second.', SECONDS),
  heddle_log_lines_dropped: gauge('Log lines dropped since the start because nobody read them.'),

  heddle_otlp_exported_total: counter('Spans, points and records that an OpenTelemetry collector took.', 'signal'),
  heddle_otlp_dropped_total: counter(
    'Those that are lost: queue-full = nobody takes them fast enough; not-delivered = after all tries.',
    'signal',
    'reason',
  ),

  // Configuration and its delivery
  heddle_config_revision: gauge('Newest config revision that this replica has compiled and published.'),
  heddle_pass_seconds: histogram('Time from the begin of a pass to its publication.', SECONDS),
  heddle_admitted_unchecked_total: counter(
    'Streams let in without knowing that this replica is up to date, since Postgres did not answer in time.',
  ),
  heddle_compile_failures_total: counter('Passes that failed as a whole and left everybody with what they had.'),
  heddle_staged_changes: gauge('Changes on trial that are not over: heddle change list.'),
  heddle_staged_held: gauge('Of these, the ones that wait for somebody to decide. Above 0 is an alarm.'),
  heddle_staged_held_total: counter('Times that a change on trial was held.'),
  heddle_staged_reverted_total: counter('Changes on trial that were taken back without being asked.'),
  heddle_staged_failures_total: counter(
    'Looks at changes on trial, or steps of one, that failed and will be tried again.',
  ),
  heddle_delivery_progress_writes_total: counter('Writes of how far changes have come at the proxies of this replica.'),
  heddle_delivery_progress_failures_total: counter('Such writes that failed and will be tried again.'),
  heddle_quarantined_resources: gauge(
    'Resources whose last revision cannot be evaluated, so that an earlier one is served: heddle quarantine list.',
    'mesh',
  ),
  heddle_quarantine_failures_total: counter('Turns of the quarantine job that failed and will be tried again.'),
  heddle_crash_contents_total: counter(
    'Contents held back since proxies died of them: from the proxy, or everywhere on the word of two hosts.',
    'scope',
  ),
  heddle_crash_contents_held: gauge('Contents that nobody is sent any more, since proxies on two hosts died of them.'),
  heddle_sweep_failures_total: counter('Sweeps of lost instances that failed and will be tried again.'),

  // Alerts
  heddle_alerts_firing: gauge('Alerts that fire, those that are silenced too: heddle alerts.', 'severity'),
  heddle_alert_turn_seconds: histogram('Time of one look at everything that is watched, of all meshes.', SECONDS),
  heddle_alert_turn_failures_total: counter('Looks that failed and will be made again.'),
  heddle_alert_notifications_total: counter(
    'Attempts to tell a receiver: sent, failed (tried again), or given-up after a day.',
    'outcome',
  ),

  // Audit
  heddle_audit_broken: gauge('1 when the audit chain was found broken: nothing is signed any more.'),
  heddle_audit_checkpoints_total: counter('Signed checkpoints of the audit chain that this replica made.'),
  heddle_audit_checkpoint_failures_total: counter('Checkpoints that could not be made and will be tried again.'),
  heddle_audit_export_failures_total: counter('Destinations that did not take a checkpoint and will be tried again.'),

  // Store
  heddle_feed_connected: gauge('1 while the change feed reads from Postgres, else 0.'),
  heddle_feed_distrusted: gauge(
    '1 while Postgres holds an older state than was served, or less than its own history explains, else 0.',
  ),
  heddle_feed_stale_seconds: gauge('Age of what is served while Postgres cannot be read; 0 while it can.'),
  heddle_feed_polling: gauge(
    '1 while notifications do not come through, so that changes wait for the next poll, else 0.',
  ),
  heddle_feed_failures_total: counter('Reads of the change feed that failed.', 'reason'),
  heddle_feed_listens_total: counter('Times the feed began to listen for notifications.'),
  heddle_feed_stalls_total: counter('Times the listening connection was given up because its heartbeat got no answer.'),
  heddle_store_foreign_total: counter('Connections refused because they led to a database that is not the one served.'),
  heddle_store_retries_total: counter('Transactions run again after a deadlock or a serialization failure.'),
  heddle_store_unavailable_total: counter('Operations that failed because Postgres was away, full or busy.'),
  heddle_prune_failures_total: counter(
    'Times that what has outlived its time could not be removed, or room made for what comes; it is tried again after 10 minutes.',
    'what',
  ),
  heddle_instance_batch_size: histogram(
    'Transitions of instances in one commit.',
    [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000],
  ),
  heddle_instance_removals_held: gauge('Instances whose removal is held back because too many would go at once.'),

  heddle_span_write_failures_total: counter('Records of what proxies run that Postgres did not take.'),
  heddle_spans_dropped_total: counter('Records of what proxies run that are lost: they could not be written in time.'),

  // Identity
  heddle_authority_rotation_steps_total: counter(
    'Steps of replacing a certificate authority that this replica took.',
    'purpose',
    'step',
  ),
  heddle_clock_skew_seconds: gauge("How far the clock of this machine is ahead of Postgres's; negative: behind."),
  heddle_certificates_issued_total: counter('Workload certificates issued, each with a new key.'),
  heddle_server_certificates_issued_total: counter('TLS certificates issued for the control plane itself.'),
  heddle_secret_answers_total: counter(
    'Decisions about secrets: sent, kept, or none of that name.',
    'secret',
    'answer',
  ),
  heddle_issuance_spool_size: gauge('Issued certificates that are not recorded in the database yet.'),
  heddle_issuance_record_failures_total: counter('Batches of issued certificates that could not be recorded at once.'),
  heddle_authority_life_left_ratio: gauge(
    'Part of the life of a certificate authority that is left, 1 to 0.',
    'mesh',
    'purpose',
  ),
  heddle_authority_end_timestamp_seconds: gauge(
    'When a certificate authority, or the key that signs proxy tokens, ends: seconds since the epoch.',
    'mesh',
    'purpose',
  ),
  heddle_authorities_stale: gauge(
    '1 while the certificate authorities of a mesh cannot be taken over from the database: those in memory are used, and what other replicas rotate is not heard of.',
    'mesh',
  ),
  heddle_deny_list_age_seconds: gauge('Time since the list of revoked proxy tokens was last read.'),
  heddle_identity_refresh_failures_total: counter(
    'Reads of keys or revocations that failed; the last good ones are used.',
    'what',
  ),
  heddle_proxy_tokens_issued_total: counter('Proxy tokens issued.', 'why'),
  heddle_proxy_tokens_expiring: gauge('Connected proxies whose token nobody has renewed in time.', 'state'),
  heddle_proxy_tokens_refused_total: counter('Proxy tokens refused.', 'reason'),
  heddle_api_tokens_refused_total: counter('API tokens refused.', 'reason'),
  heddle_oidc_provider_ready: gauge('1 while people can log in by the identity provider, else 0; absent without one.'),
  heddle_oidc_logins_total: counter('Logins by the identity provider: ok, or why they were refused.', 'outcome'),

  // What sidecars report
  heddle_reporting_proxies: gauge(
    'Proxies whose request counts are kept, silent ones included until they are forgotten.',
  ),
  heddle_proxy_reports_total: counter('Reports of statistics received from proxies.'),
  heddle_proxy_report_bytes_total: counter('Bytes of those reports.'),
  heddle_access_log_messages_total: counter('Messages of access logs received from proxies.'),
  heddle_access_log_bytes_total: counter('Bytes of those messages.'),
  heddle_telemetry_records_total: counter('Entries of access logs that were read, by log.', 'log'),
  heddle_telemetry_ignored_total: counter('Messages that the collector could make nothing of, by reason.', 'reason'),
  heddle_telemetry_beyond_budget_total: counter(
    'What a bucket had no row of its own, no record and no memory for, and edges that were forgotten for want of it, by rollup.',
    'rollup',
  ),
  heddle_telemetry_dropped_total: counter(
    'Messages that the collector was not handed because it did not keep up or was away, by kind.',
    'kind',
  ),
  heddle_telemetry_harvests_total: counter('Buckets that were written, or given up.', 'outcome'),
  heddle_telemetry_untimely_total: counter('Buckets that were too old to be written, or lay in the future.'),
  heddle_telemetry_unreadable_total: counter('Stored pages of telemetry that this build cannot read.'),
  heddle_telemetry_roll_up_failures_total: counter('Tries to make coarser buckets of finer ones that failed.'),
  heddle_telemetry_pattern_searches_total: counter('Searches for patterns of failures, by outcome.', 'outcome'),
  heddle_telemetry_pattern_seconds_total: counter(
    'Seconds that searches for patterns of failures took, reading included.',
  ),
  heddle_telemetry_pattern_window_seconds: gauge(
    'How far back patterns of failures are looked for, in the mesh where that is least; 600 unless there is no room for so much.',
  ),
  heddle_telemetry_usual_left_out_total: counter(
    'Minutes of routes that are not taken into what is usual, since there is no room for more.',
  ),
  heddle_telemetry_collector_up: gauge('1 while the collector runs.'),
  heddle_telemetry_told_unreadable_total: counter(
    'Lines of numbers from the collector that could not be read: what they told is missing in heddle_telemetry_*.',
  ),
  heddle_telemetry_collector_starts_total: counter('Starts of the collector.'),
  heddle_telemetry_pipe_bytes: gauge('Bytes that wait for the collector.'),
  heddle_proxy_report_ignored_total: counter(
    'Parts of reports that were not kept: too many proxies, too many scopes of one, or no count.',
    'reason',
  ),

  // xDS
  xds_streams: gauge('Open xDS streams.'),
  xds_resources: gauge('Resources known to the xDS server.'),
  xds_requests_total: counter('Requests received, by resource type.', 'type'),
  xds_responses_total: counter('Responses sent, by resource type.', 'type'),
  xds_response_bytes_total: counter('Bytes of xDS responses sent, by resource type.', 'type'),
  xds_encodes_total: counter('Resources encoded for the wire, one for each content whatever the number of streams.'),
  xds_frames_total: counter('Response bodies sent, taken from the cache or built.', 'cached'),
  xds_acks_total: counter('Responses that a client accepted.', 'type'),
  xds_ack_seconds: histogram('Time from the sending of a response to its acceptance.', SECONDS, 'type'),
  xds_nacks_total: counter('Responses that a client refused.', 'type'),
  xds_denied_total: counter('Streams and calls refused for their credential or node.', 'status'),
  xds_limit_total: counter('Times a limit of the xDS server was hit.', 'limit'),
  xds_admissions_total: counter('Connections and calls let in at once, after a wait, or not at all.', 'gate', 'how'),
  xds_admission_waiting: gauge('Connections and calls that wait to be let in.', 'gate'),
  xds_admission_wait_seconds: histogram('Time for which those waited who were let in later.', SECONDS, 'gate'),
  xds_accept_errors_total: counter('Connections that the system did not let this process accept.'),
  xds_streams_ended_total: counter('Streams that the server ended, by gRPC status.', 'status'),
  xds_missing_cds_total: counter('Streams ended because a reconnected client never asked for clusters.'),
  xds_views_missing_total: counter('Streams that waited too long for a view that is not published.'),
  xds_warming_nudges_total: counter('Times endpoints were sent again to let clusters finish warming.'),
  xds_held_alarms_total: counter('Times resources had waited too long for what they require.', 'type'),
  xds_secret_errors_total: counter('Secrets that could not be resolved and will be tried again.'),
  xds_secrets_refused_total: counter('Subscriptions to secrets that the client may not have.'),
};

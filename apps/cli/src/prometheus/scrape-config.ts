import { Document, isMap, isScalar, isSeq } from 'yaml';

export interface ScrapeOptions {
  /** Address of the control plane, as Prometheus reaches it. */
  readonly server: string;
  readonly mesh: string;
  /** `<host>:<port>` of every replica of the control plane. Default: that of `server`. */
  readonly targets?: readonly string[] | undefined;
  /** File with the API token, where Prometheus runs. */
  readonly tokenFile: string;
  /** File with the certificate of the control plane's authority there; undefined = one that the system trusts. */
  readonly caFile?: string | undefined;
  /** `15s` */
  readonly interval: string;
}

/** Series of one sidecar; beyond them its scrape fails, as one that reports what it should not. */
const SAMPLE_LIMIT = 50_000;
/** `<namespace>/<service>/<port>[/<subset>]` */
const CLUSTER = '([^/]+)/([^/]+)/([0-9]+)(?:/(.+))?';

const HEAD = ` Made by \`heddle prometheus\`: what a Prometheus scrapes of Heddle.

 Two jobs, so that no sidecar is ever sent the token: the control plane, and the sidecars of mesh MESH that let it in
 (heddle proxy run --metrics-port, or "metrics" of their registration).`;

/** `scrape_configs` for a prometheus.yml, with comments. */
export function scrapeConfig(options: ScrapeOptions): string {
  const document = new Document(
    { scrape_configs: [controlPlane(options), sidecars(options)] },
    { aliasDuplicateObjects: false },
  );
  document.commentBefore = HEAD.replace('MESH', options.mesh);
  comment(
    document,
    [1, 'relabel_configs'],
    'Tags of a Telemetry policy, then who it is: no tag takes the place of that.',
  );
  comment(document, [1, 'metric_relabel_configs'], 'Whom it calls, from the name of the Envoy cluster.');
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function comment(document: Document, path: readonly [number, string], text: string): void {
  const jobs = document.get('scrape_configs');
  const job: unknown = isSeq(jobs) ? jobs.items[path[0]] : undefined;
  const keys = isMap(job) ? job.items.map(({ key }) => key).filter(isScalar) : [];
  const key = keys.find(({ value }) => value === path[1]);
  if (key) key.commentBefore = ` ${text}`;
}

const controlPlane = (options: ScrapeOptions): object => ({
  job_name: 'heddle',
  scrape_interval: options.interval,
  scheme: new URL(options.server).protocol.replace(':', ''),
  metrics_path: '/metrics',
  ...access(options),
  static_configs: [{ targets: options.targets ?? [hostOf(options.server)] }],
});

const sidecars = (options: ScrapeOptions): object => ({
  job_name: 'heddle-sidecars',
  scrape_interval: options.interval,
  metrics_path: '/stats/prometheus',
  sample_limit: SAMPLE_LIMIT,
  http_sd_configs: [
    {
      url: `${options.server}/api/v1/meshes/${encodeURIComponent(options.mesh)}/prometheus/targets`,
      refresh_interval: '30s',
      ...access(options),
    },
  ],
  relabel_configs: [
    { action: 'labelmap', regex: '__meta_heddle_tag_(.+)' },
    {
      source_labels: ['__meta_heddle_namespace', '__meta_heddle_instance'],
      separator: '/',
      target_label: 'instance',
    },
    ...['mesh', 'namespace', 'workload', 'service', 'version', 'zone'].map((label) => ({
      source_labels: [`__meta_heddle_${label}`],
      target_label: label,
    })),
  ],
  metric_relabel_configs: ['namespace', 'service', 'port', 'subset'].map((part, index) => ({
    source_labels: ['envoy_cluster_name'],
    regex: CLUSTER,
    target_label: `destination_${part}`,
    replacement: `$${index + 1}`,
  })),
});

/** The type is written out: for discovery, Prometheus 2.42 sends none by itself. */
const access = ({ tokenFile, caFile, server }: ScrapeOptions): object => ({
  authorization: { type: 'Bearer', credentials_file: tokenFile },
  ...(caFile !== undefined && server.startsWith('https:') ? { tls_config: { ca_file: caFile } } : {}),
});

function hostOf(server: string): string {
  const { hostname, port, protocol } = new URL(server);
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

import { Document, isMap, isNode, isScalar, type Node } from 'yaml';
import type { Bootstrap } from './bootstrap.js';

const CLUSTER = ['static_resources', 'clusters', 0] as const;
const METRICS = ['static_resources', 'listeners'] as const;
const ADS = ['dynamic_resources', 'ads_config'] as const;
const TLS = [...CLUSTER, 'transport_socket', 'typed_config'] as const;

/** What a person who opens the file should know, by the place it is about. */
const COMMENTS: readonly (readonly [path: readonly (string | number)[], comment: string])[] = [
  [
    ['node'],
    'Who this is: <mesh>/<namespace>/<workload>/<instance>. The token must grant it; nothing else here is believed.',
  ],
  [['admin'], "Envoy's own interface. Loopback only: who reaches it can stop this Envoy."],
  [
    ['stats_flush_interval'],
    'How often request counts are reported to the control plane, which watches changes by them.',
  ],
  [['stats_config'], 'Only the statistics that are read; the others cost memory, and bytes in every report.'],
  [
    ['layered_runtime'],
    "Size of the largest regular expression, in RE2 instructions. Envoy's default of 100 refuses many harmless ones.",
  ],
  [
    ['overload_manager'],
    'Further connections are refused, so that a flood does not exhaust file descriptors and memory.',
  ],
  [['dynamic_resources'], 'Everything else comes from the control plane, by incremental ADS on one stream.'],
  [
    [...ADS, 'set_node_on_first_message_only'],
    'Envoy 1.36 ignores this and sends its node on every request; harmless.',
  ],
  [[...ADS, 'grpc_services'], 'Back within a second of the control plane; by default the pauses grow to 30 seconds.'],
  [
    METRICS,
    'For Prometheus: GET /stats/prometheus and nothing else of the admin interface. Plaintext: whoever reaches it reads it.',
  ],
  [
    [...CLUSTER, 'typed_extension_protocol_options'],
    'The token is read from a file that is replaced by a rename when it is renewed; the next stream uses it.',
  ],
  [[...CLUSTER, 'upstream_connection_options'], 'A control plane that vanished without a word is noticed.'],
  [
    [...TLS, 'sni'],
    'The only name accepted in the certificate of the control plane, beside the pinned CA: sds-ca.yaml.',
  ],
];

/** The bootstrap as commented YAML: the text that is written to disk, and the sample in `envoy/`. */
export function bootstrapYaml(bootstrap: Bootstrap): string {
  const document = new Document(bootstrap, { aliasDuplicateObjects: false });
  for (const [path, comment] of COMMENTS) {
    const node = keyAt(document, path);
    if (node) node.commentBefore = ` ${comment}`;
  }
  return document.toString({ lineWidth: 0 });
}

/** The node of a key itself: a comment before the value would end up behind the colon. */
function keyAt(document: Document, path: readonly (string | number)[]): Node | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const key = parent.items.find((pair) => isScalar(pair.key) && pair.key.value === path.at(-1))?.key;
  return isNode(key) ? key : undefined;
}

import type { Page } from './panel.js';
import { increase } from './series.js';

const WHO = '{{instance}}';
const per = (series: string): string => `${series}{job="heddle"}`;
const quantileOf = (histogram: string, q: number, by = ''): string =>
  `histogram_quantile(${q}, ${increase(`${histogram}_bucket`, by === '' ? 'le' : `le, ${by}`)})`;

/** Heddle itself. */
export const CONTROL_PLANE_PAGE: Page = {
  uid: 'heddle-control-plane',
  title: 'Heddle: control plane',
  about: 'How configuration reaches the proxies, and how the replicas, their database and their collector are.',
  variables: [],
  sections: [
    {
      heading: 'Now',
      panels: [
        {
          title: 'Replicas that answer',
          about: 'Of those that Prometheus knows.',
          unit: 'short',
          as: 'stat',
          queries: [['', 'sum(up{job="heddle"})']],
        },
        {
          title: 'Streams',
          about: 'Proxies and their kinds of streams.',
          unit: 'short',
          as: 'stat',
          queries: [['', `sum(${per('xds_streams')})`]],
        },
        {
          title: 'Revision',
          about: 'The newest that a replica has published.',
          unit: 'short',
          as: 'stat',
          queries: [['', `max(${per('heddle_config_revision')})`]],
        },
        {
          title: 'Refused in an hour',
          about: 'Configuration that proxies did not take: heddle status.',
          unit: 'short',
          as: 'stat',
          worry: [1, 1],
          queries: [['', 'sum(increase(xds_nacks_total{job="heddle"}[1h])) or vector(0)']],
        },
        {
          title: 'Feed',
          about: '0 while a replica cannot read from Postgres: proxies keep what they have.',
          unit: 'short',
          as: 'stat',
          queries: [['', `min(${per('heddle_feed_connected')})`]],
        },
        {
          title: 'Alerts that fire',
          about: 'heddle alerts says which.',
          unit: 'short',
          as: 'stat',
          worry: [1, 5],
          queries: [['', `max(sum by (instance) (${per('heddle_alerts_firing')})) or vector(0)`]],
        },
      ],
    },
    {
      heading: 'Delivery',
      panels: [
        {
          title: 'Pushes',
          about: 'Responses a second, by type of resource.',
          unit: 'ops',
          queries: [['{{type}}', increase('xds_responses_total', 'type')]],
        },
        {
          title: 'Refused',
          about: 'By type of resource.',
          unit: 'ops',
          worry: [0.001, 0.001],
          queries: [['{{type}}', increase('xds_nacks_total', 'type')]],
        },
        {
          title: 'Time to acceptance',
          about: 'From the sending of a response to its ACK.',
          unit: 's',
          queries: [
            ['p50', quantileOf('xds_ack_seconds', 0.5)],
            ['p99', quantileOf('xds_ack_seconds', 0.99)],
          ],
        },
        {
          title: 'Time to acceptance p99',
          about: 'By type. Clusters wait for their endpoints and certificates.',
          unit: 's',
          queries: [['{{type}}', quantileOf('xds_ack_seconds', 0.99, 'type')]],
        },
        {
          title: 'Compiling',
          about: 'From the begin of a pass to its publication.',
          unit: 's',
          queries: [
            ['p50', quantileOf('heddle_pass_seconds', 0.5)],
            ['p99', quantileOf('heddle_pass_seconds', 0.99)],
          ],
        },
        {
          title: 'Bytes sent',
          about: 'A second, by type of resource.',
          unit: 'Bps',
          queries: [['{{type}}', increase('xds_response_bytes_total', 'type')]],
        },
        { title: 'Streams', about: 'By replica.', unit: 'short', queries: [[WHO, per('xds_streams')]] },
        {
          title: 'Refused at the door',
          about: 'Streams with a credential or a name that is not theirs.',
          unit: 'ops',
          queries: [['{{status}}', increase('xds_denied_total', 'status')]],
        },
        {
          title: 'Held back',
          about: 'Resources in quarantine, and changes on trial that wait for somebody.',
          unit: 'short',
          worry: [1, 1],
          queries: [
            ['quarantine {{mesh}}', per('heddle_quarantined_resources')],
            ['changes on trial', `max(${per('heddle_staged_held')})`],
          ],
        },
      ],
    },
    {
      heading: 'Replicas',
      panels: [
        {
          title: 'Event loop: lateness',
          about: 'Of timers. Above 0.1 s everything waits.',
          unit: 's',
          worry: [0.05, 0.2],
          queries: [[`${WHO} {{quantile}}`, per('heddle_event_loop_lag_seconds')]],
        },
        {
          title: 'CPU',
          about: 'Cores.',
          unit: 'short',
          queries: [[WHO, 'rate(process_cpu_seconds_total{job="heddle"}[$__rate_interval])']],
        },
        {
          title: 'Memory',
          about: 'Of the process.',
          unit: 'bytes',
          queries: [[WHO, per('process_resident_memory_bytes')]],
        },
      ],
    },
    {
      heading: 'Database',
      panels: [
        {
          title: 'Age of what is served',
          about: 'While Postgres cannot be read; 0 while it can.',
          unit: 's',
          worry: [1, 60],
          queries: [[WHO, per('heddle_feed_stale_seconds')]],
        },
        {
          title: 'Failures',
          about: 'Operations a second for which Postgres was away, full or busy; reads of the feed.',
          unit: 'ops',
          worry: [0.001, 0.1],
          queries: [
            ['operations', increase('heddle_store_unavailable_total')],
            ['feed: {{reason}}', increase('heddle_feed_failures_total', 'reason')],
            ['run again', increase('heddle_store_retries_total')],
          ],
        },
        {
          title: 'Feed without notifications',
          about: '1: changes wait for the next poll (2 s).',
          unit: 'short',
          queries: [[WHO, per('heddle_feed_polling')]],
        },
      ],
    },
    {
      heading: 'Identity and telemetry',
      panels: [
        {
          title: 'Authorities: life left',
          about: 'Below a half nobody has rotated it.',
          unit: 'percentunit',
          queries: [['{{mesh}} {{purpose}}', `min by (mesh, purpose) (${per('heddle_authority_life_left_ratio')})`]],
        },
        {
          title: 'Certificates',
          about: 'Issued, a second.',
          unit: 'ops',
          queries: [['issued', increase('heddle_certificates_issued_total')]],
        },
        {
          title: 'Reports of sidecars',
          about: 'Messages a second, and those that found no room.',
          unit: 'ops',
          queries: [
            ['counts', increase('heddle_proxy_reports_total')],
            ['access logs', increase('heddle_access_log_messages_total')],
            ['dropped: {{kind}}', increase('heddle_telemetry_dropped_total', 'kind')],
          ],
        },
      ],
    },
  ],
};

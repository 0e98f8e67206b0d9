import { labelVariable, type Page } from './panel.js';
import { calls, failurePercent, quantile } from './series.js';

const TO = 'mesh=~"$mesh",destination_namespace=~"$namespace",destination_service=~"$service"';
const SERVED = 'mesh=~"$mesh",namespace=~"$namespace",service=~"$service"';
const CALLER = 'namespace, workload';
const CALLER_LEGEND = '{{namespace}}/{{workload}}';
const asked = calls(TO);

/** What sidecars of the service served: instances and versions, which callers do not tell apart. */
const served = (series: string, by: string, more = ''): string =>
  `sum by (${by}) (rate(envoy_http_${series}{${[SERVED, 'envoy_http_conn_manager_prefix=~"inbound.*"', more].filter(Boolean).join(',')}}[$__rate_interval]))`;
const servedFailures = (by: string): string => {
  const answered = served('downstream_rq_completed', by);
  return `100 * (${served('downstream_rq_xx', by, 'envoy_response_code_class="5"')} or 0 * ${answered}) / ${answered}`;
};

/** One service: as its callers see it, and what its instances and versions do. */
export const SERVICE_PAGE: Page = {
  uid: 'heddle-service',
  title: 'Heddle: service',
  about: 'One service, or several: how its callers fare, who they are, and how its versions and instances differ.',
  variables: [
    labelVariable('mesh', 'envoy_server_live'),
    labelVariable(
      'namespace',
      'envoy_cluster_upstream_rq_completed{mesh=~"$mesh",destination_service!=""}',
      'destination_namespace',
    ),
    labelVariable(
      'service',
      'envoy_cluster_upstream_rq_completed{mesh=~"$mesh",destination_namespace=~"$namespace",destination_service!=""}',
      'destination_service',
    ),
  ],
  sections: [
    {
      heading: 'As callers see it',
      panels: [
        {
          title: 'Requests',
          about: 'A second, by class of status.',
          unit: 'reqps',
          queries: [['{{envoy_response_code_class}}xx', asked.rate('upstream_rq_xx', 'envoy_response_code_class')]],
        },
        {
          title: 'Failures',
          about: 'Answers 5xx, those of Envoy included.',
          unit: 'percent',
          worry: [1, 5],
          queries: [['failures', failurePercent(asked)]],
        },
        {
          title: 'Latency',
          about: 'Every attempt and wait included.',
          unit: 'ms',
          queries: [
            ['p50', quantile(asked, 0.5)],
            ['p90', quantile(asked, 0.9)],
            ['p99', quantile(asked, 0.99)],
          ],
        },
        {
          title: 'Retries',
          about: 'Attempts a second that are not the first, and those for which the budget had no room.',
          unit: 'reqps',
          queries: [
            ['retries', asked.rate('upstream_rq_retry')],
            ['not allowed', asked.rate('upstream_rq_retry_overflow')],
          ],
        },
        {
          title: 'Given up, or refused by a circuit breaker',
          about: 'Requests a second.',
          unit: 'reqps',
          queries: [
            ['timeout', asked.rate('upstream_rq_timeout')],
            ['circuit breaker', asked.rate('upstream_rq_pending_overflow')],
          ],
        },
        {
          title: 'Connections that failed',
          about: 'Refused, not there in time, or without a handshake.',
          unit: 'cps',
          queries: [
            ['refused', asked.rate('upstream_cx_connect_fail')],
            ['in time', asked.rate('upstream_cx_connect_timeout')],
            ['TLS', asked.rate('ssl_connection_error')],
          ],
        },
      ],
    },
    {
      heading: 'By caller',
      panels: [
        {
          title: 'Requests',
          about: 'A second, by the workload that calls.',
          unit: 'reqps',
          queries: [[CALLER_LEGEND, asked.rate('upstream_rq_completed', CALLER)]],
        },
        {
          title: 'Failures',
          about: 'Answers 5xx, those of Envoy included.',
          unit: 'percent',
          worry: [1, 5],
          queries: [[CALLER_LEGEND, failurePercent(asked, CALLER)]],
        },
        {
          title: 'Latency p99',
          about: 'Milliseconds, by the workload that calls.',
          unit: 'ms',
          queries: [[CALLER_LEGEND, quantile(asked, 0.99, CALLER)]],
        },
      ],
    },
    {
      heading: 'By version, and by subset of a route',
      panels: [
        {
          title: 'Requests by version',
          about: 'Served, a second.',
          unit: 'reqps',
          queries: [['{{workload}} {{version}}', served('downstream_rq_completed', 'workload, version')]],
        },
        {
          title: 'Failures by version',
          about: 'Of the answers of its sidecars.',
          unit: 'percent',
          worry: [1, 5],
          queries: [['{{workload}} {{version}}', servedFailures('workload, version')]],
        },
        {
          title: 'Requests by subset',
          about: 'As callers send them; the part without a name is the service as a whole.',
          unit: 'reqps',
          queries: [['{{destination_subset}}', asked.rate('upstream_rq_completed', 'destination_subset')]],
        },
      ],
    },
    {
      heading: 'By instance',
      panels: [
        {
          title: 'Requests',
          about: 'Served, a second.',
          unit: 'reqps',
          queries: [['{{instance}}', served('downstream_rq_completed', 'instance')]],
        },
        {
          title: 'Failures',
          about: 'Of the answers of its sidecar. One line above the others is one bad host.',
          unit: 'percent',
          worry: [1, 5],
          queries: [['{{instance}}', servedFailures('instance')]],
        },
        {
          title: 'Running requests',
          about: 'Those that are not answered yet.',
          unit: 'short',
          queries: [['{{instance}}', `sum by (instance) (envoy_http_downstream_rq_active{${SERVED}})`]],
        },
      ],
    },
  ],
};

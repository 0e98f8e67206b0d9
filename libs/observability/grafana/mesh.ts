import { labelVariable, type Page } from './panel.js';
import { calls, failurePercent, quantile } from './series.js';

const MESH = 'mesh=~"$mesh"';
const SERVICES = 'destination_namespace, destination_service';
const LEGEND = '{{destination_namespace}}/{{destination_service}}';
const WHO = '{{instance}}';
const all = calls(`${MESH},destination_service!=""`);
const sidecars = (series: string): string => `${series}{${MESH}}`;
const perSidecar = (series: string): string => `sum by (instance) (rate(${sidecars(series)}[$__rate_interval])) > 0`;

/** How the mesh is: for whoever is on call, and for a wall. */
export const MESH_PAGE: Page = {
  uid: 'heddle-mesh',
  title: 'Heddle: mesh',
  about: 'How requests in the mesh fare, which services fail, and how the sidecars are. As their callers see it.',
  variables: [labelVariable('mesh', 'envoy_server_live')],
  sections: [
    {
      heading: 'Now',
      panels: [
        {
          title: 'Requests',
          about: 'A second, of all services.',
          unit: 'reqps',
          as: 'stat',
          queries: [['', all.rate('upstream_rq_completed')]],
        },
        {
          title: 'Failures',
          about: 'Answers 5xx, those of Envoy included.',
          unit: 'percent',
          as: 'stat',
          worry: [1, 5],
          queries: [['', failurePercent(all)]],
        },
        {
          title: 'Latency p99',
          about: 'Every attempt and wait included.',
          unit: 'ms',
          as: 'stat',
          queries: [['', quantile(all, 0.99)]],
        },
        {
          title: 'Retries',
          about: 'Part of the attempts that are not the first. At 33 % every second request is sent twice.',
          unit: 'percent',
          as: 'stat',
          worry: [10, 33],
          queries: [
            [
              '',
              `100 * (${all.rate('upstream_rq_retry')} or 0 * ${all.rate('upstream_rq_completed')}) / ${all.rate('upstream_rq_completed')}`,
            ],
          ],
        },
        {
          title: 'Sidecars that answer',
          about: 'Of those that let Prometheus in.',
          unit: 'percent',
          as: 'stat',
          queries: [['', `100 * avg(up{job="heddle-sidecars",${MESH}})`]],
        },
        {
          title: 'Sidecars',
          about: 'That let Prometheus in (--metrics-port).',
          unit: 'short',
          as: 'stat',
          queries: [['', `count(up{job="heddle-sidecars",${MESH}})`]],
        },
      ],
    },
    {
      heading: 'Services',
      panels: [
        {
          title: 'Requests',
          about: 'A second, by service.',
          unit: 'reqps',
          queries: [[LEGEND, all.rate('upstream_rq_completed', SERVICES)]],
        },
        {
          title: 'Failures',
          about: 'Answers 5xx, those of Envoy included.',
          unit: 'percent',
          worry: [1, 5],
          queries: [[LEGEND, failurePercent(all, SERVICES)]],
        },
        {
          title: 'Latency p99',
          about: 'Milliseconds, by service.',
          unit: 'ms',
          queries: [[LEGEND, quantile(all, 0.99, SERVICES)]],
        },
        {
          title: 'Retries',
          about: 'Attempts a second that are not the first.',
          unit: 'reqps',
          queries: [[LEGEND, all.rate('upstream_rq_retry', SERVICES)]],
        },
        {
          title: 'Timeouts',
          about: 'Requests that were given up.',
          unit: 'reqps',
          queries: [[LEGEND, all.rate('upstream_rq_timeout', SERVICES)]],
        },
        {
          title: 'Refused by circuit breakers',
          about: 'Requests for which there was no room.',
          unit: 'reqps',
          queries: [[LEGEND, all.rate('upstream_rq_pending_overflow', SERVICES)]],
        },
      ],
    },
    {
      heading: 'Connections and mutual TLS',
      panels: [
        {
          title: 'Connections that failed',
          about: 'Refused, or not there in time.',
          unit: 'cps',
          queries: [
            [LEGEND, all.rate('upstream_cx_connect_fail', SERVICES)],
            [`${LEGEND} in time`, all.rate('upstream_cx_connect_timeout', SERVICES)],
          ],
        },
        {
          title: 'TLS handshakes that failed',
          about: 'As the caller sees it.',
          unit: 'cps',
          queries: [[LEGEND, all.rate('ssl_connection_error', SERVICES)]],
        },
        {
          title: 'Instances taken out',
          about: 'By outlier detection.',
          unit: 'short',
          queries: [[LEGEND, all.rate('outlier_detection_ejections_enforced_total', SERVICES)]],
        },
        {
          title: 'Certificates not accepted',
          about: 'By the callee: the authority, or the name in them.',
          unit: 'cps',
          queries: [
            [WHO, perSidecar('envoy_listener_ssl_fail_verify_error')],
            [`${WHO}: name`, perSidecar('envoy_listener_ssl_fail_verify_san')],
            [`${WHO}: none`, perSidecar('envoy_listener_ssl_fail_verify_no_cert')],
          ],
        },
        {
          title: 'Denied',
          about: 'By an AuthorizationPolicy, at the callee.',
          unit: 'reqps',
          queries: [[WHO, perSidecar('envoy_http_rbac_denied')]],
        },
        {
          title: 'No route',
          about: 'Requests to a name or path that nobody has.',
          unit: 'reqps',
          queries: [[WHO, perSidecar('envoy_http_no_route')]],
        },
      ],
    },
    {
      heading: 'Sidecars',
      panels: [
        {
          title: 'Without control plane',
          about: 'They go on with what they have, and are sent no change.',
          unit: 'short',
          worry: [1, 1],
          queries: [['sidecars', `count(envoy_control_plane_connected_state{${MESH}} == 0) or vector(0)`]],
        },
        {
          title: 'Configuration refused',
          about: 'heddle status says what and why.',
          unit: 'short',
          worry: [0.001, 0.001],
          queries: [
            [
              'clusters',
              `sum(rate(envoy_cluster_manager_cds_update_rejected{${MESH}}[$__rate_interval])) or vector(0)`,
            ],
            [
              'listeners',
              `sum(rate(envoy_listener_manager_lds_update_rejected{${MESH}}[$__rate_interval])) or vector(0)`,
            ],
          ],
        },
        {
          title: 'Memory',
          about:
            'Of each Envoy. It grows by 60 to 80 KB for each service that it may call: spec.dependencies keeps it small.',
          unit: 'bytes',
          queries: [[WHO, sidecars('envoy_server_memory_allocated')]],
        },
        {
          title: 'Running requests',
          about: 'At the sidecars that serve them.',
          unit: 'short',
          queries: [[WHO, `sum by (instance) (envoy_http_downstream_rq_active{${MESH}})`]],
        },
        {
          title: 'Up since',
          about: 'An Envoy that began again shows as a step.',
          unit: 's',
          queries: [[WHO, sidecars('envoy_server_uptime')]],
        },
        {
          title: 'Series',
          about: 'Of each sidecar: what a scrape costs.',
          unit: 'short',
          queries: [[WHO, `scrape_samples_scraped{job="heddle-sidecars",${MESH}}`]],
        },
      ],
    },
  ],
};

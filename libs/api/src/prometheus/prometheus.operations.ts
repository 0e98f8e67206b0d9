import type { Operation } from '../openapi.operation.js';
import { object, string } from '../openapi.schemas.js';

export const PROMETHEUS: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/v1/meshes/{mesh}/prometheus/targets',
    tag: 'telemetry',
    summary: 'Sidecars that Prometheus may scrape, as its `http_sd_configs` reads them.',
    access: 'list Instance, of each; list Service, of those named',
    tagged: true,
    answer: {
      type: 'array',
      items: object({
        targets: { type: 'array', items: string, description: 'One `<address>:<port>`.' },
        labels: {
          type: 'object',
          additionalProperties: string,
          description:
            '`__meta_heddle_` and one of mesh, namespace, instance, workload, service, services, version, zone, region, host, envoy_version, or tag_ and a name of `metrics.tags` of a Telemetry; `__metrics_path__` where `metrics.detail` of it asks for less than everything.',
        },
      }),
    },
  },
];

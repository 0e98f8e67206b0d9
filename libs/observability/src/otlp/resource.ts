import { hostname } from 'node:os';
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import type { OtlpSettings } from './settings.js';

/** Who speaks: this service, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say otherwise. */
export const resourceOf = ({ instance, version }: OtlpSettings): Resource =>
  defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'heddle',
        'service.version': version,
        'service.instance.id': instance,
        'host.name': hostname(),
      }),
    )
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));

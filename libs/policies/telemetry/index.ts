import { contributorsOf, definePolicy } from '#libs/model';
import { telemetryName } from './telemetry.name.js';
import { type EffectiveTelemetry, resolveTelemetry } from './telemetry.resolve.js';
import { backendsOf, type TelemetrySpec, telemetrySchema } from './telemetry.schema.js';
import { telemetryToMetrics, telemetryToProxy } from './telemetry.translate.js';

/** Telemetry: what sidecars tell of the requests that pass through them, and whom. */
export const telemetryPolicy = definePolicy<TelemetrySpec, EffectiveTelemetry>({
  ...telemetryName,
  summary:
    'What sidecars tell of the requests that pass through them: access logs, spans, metrics, and the sample for Heddle.',
  side: 'proxy',
  targets: ['Workload', 'Service', 'Mesh'],
  schema: telemetrySchema,
  resolve: resolveTelemetry,
  contributors: contributorsOf,
  toProxy: telemetryToProxy,
  toMetrics: telemetryToMetrics,
  backends: backendsOf,
});

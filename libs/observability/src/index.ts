export { createLog, LOG_LEVELS, type LogLevel, type LogOptions } from './log.js';
export { METRICS, type MetricDefinition } from './metric-table.js';
export { createMetrics, type MetricsOptions, type PrometheusMetrics } from './metrics.js';
export type { Pipeline, PipelineOptions } from './otlp/pipelines.js';
export type { OtlpSettings, Signal } from './otlp/settings.js';

/** OpenTelemetry: loaded where something is exported, since it takes a tenth of a second and 10 MB. */
export const loadOtlp = () => import('./otlp/index.js');

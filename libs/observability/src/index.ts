export { createLog, LOG_LEVELS, type LogLevel, type LogOptions } from './log.js';
export { METRICS, type MetricDefinition } from './metric-table.js';
export { createMetrics, type MetricsOptions, type PrometheusMetrics } from './metrics.js';

import { createLog, createMetrics } from '#libs/observability';
import type { Config } from './config.schema.js';
import type { Telemetry } from './ports.js';

/** The product's own logger and metrics. */
export function createTelemetry(level: Config['log']['level']): Telemetry {
  const metrics = createMetrics();
  const log = createLog({ level, onDropped: (total) => metrics.gauge('heddle_log_lines_dropped', total) });
  const exposition = async () => ({ contentType: metrics.contentType, body: await metrics.render() });
  return { log, metrics, exposition, close: () => metrics.close() };
}

import { silentTracer } from '#libs/kernel';
import { createLog, createMetrics, loadOtlp, type OtlpSettings, type PrometheusMetrics } from '#libs/observability';
import type { Config } from './config.schema.js';
import type { Telemetry } from './ports.js';

/** The product's own logger, metrics and tracer; the last two are exported where the settings say so. */
export async function createTelemetry(
  config: Pick<Config, 'log' | 'observability'>,
  settings?: OtlpSettings,
): Promise<Telemetry> {
  const metrics = createMetrics();
  const exporting = settings && (await exported({ metrics, settings, config, log: () => log }));
  const tracer = exporting?.tracer;
  const log = createLog({
    level: config.log.level,
    onDropped: (total) => metrics.gauge('heddle_log_lines_dropped', total),
    context: tracer && (() => tracer.ids()),
  });
  return {
    ...{ log, metrics, tracer: tracer ?? silentTracer },
    exposition: async () => ({ contentType: metrics.contentType, body: await metrics.render() }),
    async close() {
      await exporting?.close();
      metrics.close();
    },
  };
}

interface Exported {
  readonly metrics: PrometheusMetrics;
  readonly settings: OtlpSettings;
  readonly config: Pick<Config, 'observability'>;
  readonly log: () => Telemetry['log'];
}

async function exported({ config, ...options }: Exported) {
  const { metricPipeline, tracePipeline } = await loadOtlp();
  const { traces, metrics, metricSeconds } = config.observability.otlp;
  const tracing = traces ? tracePipeline(options) : undefined;
  const collect = () => options.metrics.points();
  const sums = metrics ? metricPipeline(options, { everyMs: metricSeconds * 1_000, collect }) : undefined;
  return {
    tracer: tracing?.tracer,
    close: async (): Promise<void> => void (await Promise.all([tracing?.close(), sums?.close()])),
  };
}

import { ROOT_CONTEXT, SeverityNumber } from '@opentelemetry/api';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { ExportedMetric, ExportedRecord, Log, Metrics } from '#libs/kernel';
import { recordQueue, spanQueue } from './bounded-queue.js';
import { logExporter, metricExporter, traceExporter } from './exporters.js';
import { Losses } from './losses.js';
import { metricData } from './metric-data.js';
import { OtlpTracer } from './otlp-tracer.js';
import { resourceOf } from './resource.js';
import type { OtlpSettings } from './settings.js';

export interface PipelineOptions {
  readonly settings: OtlpSettings;
  /** Counts what was delivered, and what was lost. */
  readonly metrics: Metrics;
  /** Told once when exports begin to fail. */
  readonly log: () => Log | undefined;
}

/** Something that exports until it is closed. */
export interface Pipeline {
  /** Sends what waits, for two seconds at most; the rest is lost. */
  readonly close: () => Promise<void>;
}

/** What the process waits for at its end. Milliseconds. */
const LAST_EXPORT_MS = 2_000;
/** Of every value of a span or a record; what is longer is cut. */
const LIMITS = { attributeValueLengthLimit: 256, attributeCountLimit: 32, linkCountLimit: 16, eventCountLimit: 0 };
const SCOPE = 'heddle';

/** A tracer whose spans are exported. */
export function tracePipeline({ settings, metrics, log }: PipelineOptions): Pipeline & { readonly tracer: OtlpTracer } {
  const exporter = traceExporter(settings);
  const provider = new TracerProvider({
    resource: resourceOf(settings),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.sampleRatio) }),
    spanLimits: LIMITS,
    spanProcessors: [spanQueue(exporter, new Losses('traces', metrics, log))],
  });
  return {
    tracer: new OtlpTracer(provider.getTracer(SCOPE, settings.version)),
    close: () => inTime(provider.shutdown()),
  };
}

/** Exports what `collect` says, every so often. Sums are since the start, so one export that fails loses no count. */
export function metricPipeline(
  { settings, metrics, log }: PipelineOptions,
  { everyMs, collect }: { readonly everyMs: number; readonly collect: () => Promise<ExportedMetric[]> },
): Pipeline {
  const resource = resourceOf(settings);
  const scope = { name: SCOPE, version: settings.version };
  const collectAll = async () => {
    const collected = await collect();
    const now = Date.now();
    const points = collected.map((metric) => metricData(metric, now));
    return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics: points }] }, errors: [] };
  };
  const reader = new PeriodicExportingMetricReader({
    exporter: counted(metricExporter(settings), new Losses('metrics', metrics, log)),
    exportIntervalMillis: everyMs,
    metricProducers: [{ collect: collectAll }],
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  return { close: () => inTime(provider.shutdown()) };
}

/** Where records are handed in that are exported as logs. Never waits. */
export function logPipeline({
  settings,
  metrics,
  log,
}: PipelineOptions): Pipeline & { readonly emit: (record: ExportedRecord) => void } {
  const processor = recordQueue(logExporter(settings), new Losses('logs', metrics, log));
  const provider = new LoggerProvider({
    resource: resourceOf(settings),
    logRecordLimits: { attributeValueLengthLimit: 512, attributeCountLimit: 32 },
    processors: [processor],
  });
  const logger = provider.getLogger(SCOPE, settings.version);
  const severity = { severityNumber: SeverityNumber.WARN, severityText: 'WARN' };
  return {
    // Records tell of requests elsewhere, and are no part of what is under way here.
    emit: ({ name, at, body, values }) =>
      logger.emit({ eventName: name, timestamp: at, body, attributes: values, ...severity, context: ROOT_CONTEXT }),
    close: () => inTime(provider.shutdown()),
  };
}

function counted(exporter: PushMetricExporter, losses: Losses): PushMetricExporter {
  const send = exporter.export.bind(exporter);
  exporter.export = (metrics, done) => {
    const points = metrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .reduce((sum, { dataPoints }) => sum + dataPoints.length, 0);
    send(metrics, (result) => {
      losses.over(points, result);
      done(result);
    });
  };
  return exporter;
}

/** A collector that is away shall not keep the process; what it did not take was counted. */
async function inTime(work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LAST_EXPORT_MS);
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}

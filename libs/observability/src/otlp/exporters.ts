import { Metadata } from '@grpc/grpc-js';
import { OTLPLogExporter as GrpcLogs } from '@opentelemetry/exporter-logs-otlp-grpc';
import { OTLPLogExporter as HttpLogs } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as HttpMetrics } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import type { LogRecordExporter } from '@opentelemetry/sdk-logs';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { OtlpSettings, Signal } from './settings.js';

/** Exports under way at most: a collector that hangs holds so many batches, then the next are lost. */
const CONCURRENT = 10;
/** For one export with all its tries. Milliseconds. */
const TIMEOUT_MS = 10_000;

export const traceExporter = (settings: OtlpSettings): SpanExporter =>
  settings.protocol === 'grpc' ? new GrpcTraces(grpc(settings, 'traces')) : new HttpTraces(http(settings, 'traces'));

export const metricExporter = (settings: OtlpSettings): PushMetricExporter =>
  settings.protocol === 'grpc'
    ? new GrpcMetrics(grpc(settings, 'metrics'))
    : new HttpMetrics(http(settings, 'metrics'));

export const logExporter = (settings: OtlpSettings): LogRecordExporter =>
  settings.protocol === 'grpc' ? new GrpcLogs(grpc(settings, 'logs')) : new HttpLogs(http(settings, 'logs'));

const LIMITS = { concurrencyLimit: CONCURRENT, timeoutMillis: TIMEOUT_MS };

/** The exporters read the variables of a signal themselves: those win, since they say more. */
const hasOwn = (signal: Signal): boolean => {
  const own = process.env[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`];
  return own !== undefined && own !== '';
};

function http({ endpoint, headers }: OtlpSettings, signal: Signal) {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/${signal}`;
  return { ...LIMITS, headers: { ...headers }, ...(hasOwn(signal) ? {} : { url }) };
}

function grpc({ endpoint, headers }: OtlpSettings, signal: Signal) {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return { ...LIMITS, metadata, ...(hasOwn(signal) ? {} : { url: endpoint }) };
}

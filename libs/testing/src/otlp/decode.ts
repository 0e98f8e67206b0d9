import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createFileRegistry, fromBinary, type JsonObject, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

export type Values = Readonly<Record<string, unknown>>;

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' = it is the first. */
  readonly parent: string;
  readonly name: string;
  readonly kind: number;
  readonly failed: boolean;
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly values: Values;
  readonly resource: Values;
}

export interface ReceivedPoint {
  readonly metric: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum' | 'histogram';
  readonly values: Values;
  /** Of a histogram: how many. */
  readonly value: number;
  readonly start: number;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly resource: Values;
}

export interface ReceivedRecord {
  readonly event: string;
  readonly at: number;
  readonly body: unknown;
  readonly values: Values;
  readonly resource: Values;
}

let registry: ReturnType<typeof createFileRegistry> | undefined;

function messages(): ReturnType<typeof createFileRegistry> {
  const buf = join(import.meta.dirname, '../../../../node_modules/.bin/buf');
  const args = ['build', join(import.meta.dirname, 'otlp.proto'), '--as-file-descriptor-set', '-o', '-#format=binpb'];
  registry ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, execFileSync(buf, args)));
  return registry;
}

function read(type: string, bytes: Uint8Array): JsonObject {
  const schema = messages().getMessage(`otlp.${type}`);
  if (!schema) throw new Error(`no message ${type}`);
  return toJson(schema, fromBinary(schema, bytes)) as JsonObject;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of a message that the schema above describes.
type Any = any;

function anyValue(value: Any): unknown {
  if (value === undefined) return undefined;
  if ('intValue' in value) return Number(value.intValue);
  if ('arrayValue' in value) return (value.arrayValue.values ?? []).map(anyValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}
const valuesOf = (attributes: Any): Values =>
  Object.fromEntries((attributes ?? []).map(({ key, value }: Any) => [key, anyValue(value)]));
const hex = (bytes: string | undefined): string => Buffer.from(bytes ?? '', 'base64').toString('hex');
const ms = (nanos: string | undefined): number => Number(BigInt(nanos ?? '0') / 1000n) / 1000;

export const spansIn = (bytes: Uint8Array): ReceivedSpan[] =>
  (read('ExportTraceServiceRequest', bytes)['resourceSpans'] as Any[]).flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }: Any) =>
      spans.map((span: Any) => ({
        ...{ traceId: hex(span.traceId), spanId: hex(span.spanId), parent: hex(span.parentSpanId) },
        ...{ name: span.name, kind: span.kind ?? 0, failed: span.status?.code === 2 },
        ...{ start: ms(span.startTimeUnixNano), end: ms(span.endTimeUnixNano) },
        ...{ values: valuesOf(span.attributes), resource: valuesOf(resource?.attributes) },
      })),
    ),
  );

const KINDS = ['gauge', 'sum', 'histogram'] as const;

export const pointsIn = (bytes: Uint8Array): ReceivedPoint[] =>
  ((read('ExportMetricsServiceRequest', bytes)['resourceMetrics'] ?? []) as Any[]).flatMap(
    ({ resource, scopeMetrics }) =>
      scopeMetrics.flatMap(({ metrics }: Any) =>
        (metrics ?? []).flatMap((metric: Any) => {
          const kind = KINDS.find((one) => one in metric) ?? 'gauge';
          return (metric[kind]?.dataPoints ?? []).map((point: Any) => ({
            ...{ metric: metric.name, unit: metric.unit ?? '', kind, values: valuesOf(point.attributes) },
            ...{ value: Number(point.asDouble ?? point.asInt ?? point.count ?? 0), start: ms(point.startTimeUnixNano) },
            ...{ bounds: point.explicitBounds ?? [], counts: (point.bucketCounts ?? []).map(Number) },
            resource: valuesOf(resource?.attributes),
          }));
        }),
      ),
  );

export const recordsIn = (bytes: Uint8Array): ReceivedRecord[] =>
  (read('ExportLogsServiceRequest', bytes)['resourceLogs'] as Any[]).flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }: Any) =>
      logRecords.map((record: Any) => ({
        ...{ event: record.eventName ?? '', at: ms(record.timeUnixNano), body: anyValue(record.body) },
        ...{ values: valuesOf(record.attributes), resource: valuesOf(resource?.attributes) },
      })),
    ),
  );

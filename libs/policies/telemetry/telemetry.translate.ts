import {
  ApiVersion,
  ExpressionFilterSchema,
  FileAccessLogSchema,
  OpenTelemetryAccessLogConfigSchema,
  OpenTelemetryConfigSchema,
  packAny,
  ReqWithoutQuerySchema,
  StdoutAccessLogSchema,
} from '#libs/envoy-api';
import type { AccessLogs, MetricsPatch, ProxyContext, ProxyPatch, SelfCalled, Source } from '#libs/model';
import type { MetricTagSpec } from './metrics.schema.js';
import { isWithoutQuery } from './operators.js';
import type { EffectiveTelemetry } from './telemetry.resolve.js';
import { type AccessLogSpec, backendPort, type TracingSpec } from './telemetry.schema.js';

type AccessLog = AccessLogs[number];
type Mode = 'http' | 'tcp';
type Direction = 'outbound' | 'inbound';
interface Format {
  readonly text?: string | undefined;
  readonly json?: Readonly<Record<string, string>> | undefined;
}

/** What is logged when a policy does not say: nothing of a request that could be a secret. */
const DEFAULT_FORMATS: Readonly<Record<Mode, Readonly<Record<string, string>>>> = {
  http: {
    start_time: '%START_TIME%',
    method: '%REQ(:METHOD)%',
    authority: '%REQ(:AUTHORITY)%',
    path: '%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%',
    protocol: '%PROTOCOL%',
    response_code: '%RESPONSE_CODE%',
    response_code_details: '%RESPONSE_CODE_DETAILS%',
    response_flags: '%RESPONSE_FLAGS%',
    grpc_status: '%GRPC_STATUS%',
    duration_ms: '%DURATION%',
    bytes_received: '%BYTES_RECEIVED%',
    bytes_sent: '%BYTES_SENT%',
    attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
    route: '%ROUTE_NAME%',
    upstream_cluster: '%UPSTREAM_CLUSTER%',
    upstream_host: '%UPSTREAM_HOST%',
    upstream_failure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
    downstream_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
    downstream_identity: '%DOWNSTREAM_PEER_URI_SAN%',
    request_id: '%REQ(X-REQUEST-ID)%',
    trace_id: '%TRACE_ID%',
  },
  tcp: {
    start_time: '%START_TIME%',
    duration_ms: '%DURATION%',
    bytes_received: '%BYTES_RECEIVED%',
    bytes_sent: '%BYTES_SENT%',
    response_flags: '%RESPONSE_FLAGS%',
    termination: '%CONNECTION_TERMINATION_DETAILS%',
    upstream_cluster: '%UPSTREAM_CLUSTER%',
    upstream_host: '%UPSTREAM_HOST%',
    upstream_failure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
    downstream_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
    downstream_identity: '%DOWNSTREAM_PEER_URI_SAN%',
  },
};

/** How long a sidecar gathers log records, and how many bytes of them at most. */
const FLUSH = { bufferFlushInterval: { seconds: 1n, nanos: 0 }, bufferSizeBytes: 16_384 };
/** How long a sidecar waits for a collector over HTTP. */
const HTTP_TIMEOUT = { seconds: 5n, nanos: 0 };

/** What is asked of a backend that is not there is left out: telemetry never keeps a listener from working. */
export function telemetryToProxy(effective: EffectiveTelemetry, context: ProxyContext): ProxyPatch {
  const { sampleOneIn, accessLogs, tracing } = effective;
  const spans = tracing && tracingOf(tracing.value, tracing.from, context);
  const logs = (direction: Direction, mode: Mode): AccessLogs =>
    (accessLogs?.value ?? [])
      .filter((log) => log.direction === 'Both' || log.direction.toLowerCase() === direction)
      .flatMap((log) => accessLogOf(log, mode, accessLogs?.from, context) ?? []);
  const both = (direction: Direction) => ({ http: logs(direction, 'http'), tcp: logs(direction, 'tcp') });
  const isNamed = spans !== undefined || (accessLogs?.value.some((log) => log.otlp !== undefined) ?? false);
  return {
    ...(sampleOneIn && { sampleOneIn: sampleOneIn.value }),
    ...(accessLogs && { accessLogs: { outbound: both('outbound'), inbound: both('inbound') } }),
    ...(spans && { tracing: spans }),
    ...(isNamed && { isNamed }),
  };
}

/** Envoy's own tags are part of its start-up file: these are given to whoever scrapes. */
export function telemetryToMetrics(effective: EffectiveTelemetry): MetricsPatch {
  const { 'metrics.detail': detail, 'metrics.tags': tags } = effective;
  return {
    ...(detail && { detail: detail.value }),
    ...(tags && { tags: tags.value.map(metricTagOf) }),
  };
}

type Sink = Pick<Extract<AccessLog, { readonly $typeName?: never }>, 'name' | 'configType'>;
type Translate<T> = (log: AccessLogSpec, mode: Mode, from: Source | undefined, context: ProxyContext) => T | undefined;

const accessLogOf: Translate<AccessLog> = (log, mode, from, context) => {
  const typed = sinkOf(log, mode, from, context);
  if (!typed) return undefined;
  const filter = log.filter && {
    filterSpecifier: {
      case: 'extensionFilter' as const,
      value: {
        name: 'envoy.access_loggers.extension_filters.cel',
        configType: {
          case: 'typedConfig' as const,
          value: packAny(ExpressionFilterSchema, { expression: log.filter.cel }),
        },
      },
    },
  };
  return { ...typed, ...(filter && { filter }) };
};

const sinkOf: Translate<Sink> = (log, mode, from, context) => {
  const format = log.format ?? { json: DEFAULT_FORMATS[mode] };
  const typedConfig = (value: ReturnType<typeof packAny>) => ({ case: 'typedConfig' as const, value });
  if (log.file) {
    const config = { path: log.file.path, accessLogFormat: { case: 'logFormat' as const, value: lineOf(format) } };
    return { name: 'envoy.access_loggers.file', configType: typedConfig(packAny(FileAccessLogSchema, config)) };
  }
  if (log.stdout) {
    const config = { accessLogFormat: { case: 'logFormat' as const, value: lineOf(format) } };
    return { name: 'envoy.access_loggers.stdout', configType: typedConfig(packAny(StdoutAccessLogSchema, config)) };
  }
  const backend = log.otlp && from && context.backend(backendPort(log.otlp.backendRef, from.namespace), from);
  if (!backend || !isGrpc(backend.protocol)) return undefined;
  const config = packAny(OpenTelemetryAccessLogConfigSchema, {
    commonConfig: {
      ...FLUSH,
      logName: 'heddle',
      transportApiVersion: ApiVersion.V3,
      grpcService: grpcTo(backend),
    },
    resourceAttributes: { values: [attribute('service.name', context.workload)] },
    ...recordOf(format),
    formatters: formatters(format),
  });
  return { name: 'envoy.access_loggers.open_telemetry', configType: typedConfig(config) };
};

const grpcTo = ({ cluster, authority }: SelfCalled) => ({
  targetSpecifier: { case: 'envoyGrpc' as const, value: { clusterName: cluster, authority } },
});

/** OTLP over gRPC needs HTTP/2; what a port of protocol `http` speaks is not known. */
const isGrpc = (protocol: string): boolean => protocol === 'grpc' || protocol === 'http2';

const lineOf = (format: Format) => ({
  format:
    format.text === undefined
      ? { case: 'jsonFormat' as const, value: { ...format.json } }
      : {
          case: 'textFormatSource' as const,
          value: { specifier: { case: 'inlineString' as const, value: `${format.text}\n` } },
        },
  omitEmptyValues: format.text === undefined,
  formatters: formatters(format),
});

const attribute = (key: string, value: string) => ({
  key,
  value: { value: { case: 'stringValue' as const, value } },
});

const recordOf = ({ text = '', json }: Format) =>
  json
    ? { attributes: { values: Object.entries(json).map(([key, value]) => attribute(key, value)) } }
    : { body: { value: { case: 'stringValue' as const, value: text } } };

const formatters = ({ text, json = {} }: Format) =>
  [text ?? '', ...Object.values(json)].some(isWithoutQuery)
    ? [{ name: 'envoy.formatter.req_without_query', typedConfig: packAny(ReqWithoutQuerySchema, {}) }]
    : [];

function tracingOf({ otlp, samplingPercentage, tags }: TracingSpec, from: Source, context: ProxyContext) {
  const backend = context.backend(backendPort(otlp.backendRef, from.namespace), from);
  if (!backend) return undefined;
  const exporter = isGrpc(backend.protocol)
    ? { grpcService: grpcTo(backend) }
    : {
        httpService: {
          httpUri: {
            uri: `http://${backend.authority}/v1/traces`,
            httpUpstreamType: { case: 'cluster' as const, value: backend.cluster },
            timeout: HTTP_TIMEOUT,
          },
        },
      };
  const config = packAny(OpenTelemetryConfigSchema, { serviceName: context.workload, ...exporter });
  return {
    provider: {
      name: 'envoy.tracers.opentelemetry',
      configType: { case: 'typedConfig' as const, value: config },
    },
    /** Only the sample decides: a client cannot force a trace by a header of Envoy's. */
    clientSampling: { value: 0 },
    randomSampling: { value: samplingPercentage },
    overallSampling: { value: 100 },
    customTags: tags.map(tagOf),
  };
}

function tagOf({ name, literal, requestHeader, environment }: TracingSpec['tags'][number]) {
  if (literal !== undefined) return { tag: name, type: { case: 'literal' as const, value: { value: literal } } };
  if (requestHeader !== undefined)
    return { tag: name, type: { case: 'requestHeader' as const, value: { name: requestHeader } } };
  return { tag: name, type: { case: 'environment' as const, value: { name: environment ?? '' } } };
}

const metricTagOf = ({ name, literal, label }: MetricTagSpec) => ({
  name,
  value: literal === undefined ? { label: label ?? '' } : { literal },
});

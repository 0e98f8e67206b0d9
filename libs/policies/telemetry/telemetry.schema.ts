import { z } from 'zod';
import { pointer } from '#libs/kernel';
import {
  type BackendPort,
  dnsLabel,
  dnsSubdomain,
  headerName,
  headerValue,
  namedOnce,
  portNumber,
  report,
  strict,
  text,
} from '#libs/model';
import { celProblem } from './cel.js';
import { METRIC_DETAILS, metricTags } from './metrics.schema.js';
import { environmentProblem, formatProblem } from './operators.js';

const backendRef = strict({
  kind: z.enum(['Service', 'ExternalService']).describe('Kind of what takes it.'),
  namespace: dnsLabel()
    .optional()
    .describe("Its namespace; another one than the policy's needs a ReferenceGrant there. Default: the policy's."),
  name: dnsSubdomain().describe('Its name.'),
  port: portNumber().describe(
    'Its port, 1 to 65535. The protocol of the port says how: grpc = OTLP over gRPC, http = OTLP over HTTP.',
  ),
});

const otlp = () =>
  strict({
    backendRef: backendRef.describe(
      'What takes OTLP, such as an OpenTelemetry collector. Sidecars call it by themselves, as they call any service.',
    ),
  });

const operators = () => text('invalid-format', formatProblem).min(1).max(4096);

const format = strict({
  text: operators()
    .optional()
    .describe(
      "A line with Envoy's command operators, such as `%REQ(:METHOD)% %RESPONSE_CODE%`; a line break is added.",
    ),
  json: z
    .record(z.string().min(1).max(128), operators())
    .optional()
    .describe("An object of texts with Envoy's command operators. A field without value is left out."),
}).superRefine((value, sink) => exactlyOne(sink, value, 'text or json'));

const filter = strict({
  cel: text('invalid-cel', celProblem)
    .min(1)
    .max(4096)
    .describe(
      "An expression in CEL over Envoy's attributes; logged is what it is true for. Example: `response.code >= 500`.",
    ),
});

/**
 * Sidecars often run as root: a path that the author of a policy may choose freely could be any file of the host.
 * @returns the end of a sentence
 */
function logFileProblem(path: string): string | undefined {
  const isNormal = /^\/var\/log\/[A-Za-z0-9._/-]{1,200}$/.test(path) && !/\/(\.{0,2})(\/|$)/.test(path);
  return isNormal ? undefined : 'must be a file below /var/log/, of letters, digits, ".", "_", "-", without ".."';
}

const accessLog = strict({
  stdout: strict({}).optional().describe("To the sidecar's standard output."),
  file: strict({
    path: text('invalid-path', logFileProblem).describe(
      "The file, below /var/log/. The sidecar's user must be able to write it; rotating it is the host's affair.",
    ),
  })
    .optional()
    .describe("To a file on the sidecar's host."),
  otlp: otlp().optional().describe('To a collector, as log records over gRPC.'),
  direction: z
    .enum(['Both', 'Outbound', 'Inbound'])
    .default('Both')
    .describe(
      'Outbound: what the application sends to the mesh. Inbound: what it is sent. Default: Both, so that a request between two sidecars is logged at either.',
    ),
  format: format
    .optional()
    .describe(
      'What is logged of each request. Default: a JSON object with the path without its query, and no header but the host and the request id.',
    ),
  filter: filter.optional().describe('Which requests are logged. Default: all.'),
}).superRefine(({ stdout, file, otlp: collector }, sink) =>
  exactlyOne(sink, { stdout, file, otlp: collector }, 'stdout, file or otlp'),
);

const tag = strict({
  name: z.string().min(1).max(128).describe("The attribute's name."),
  literal: headerValue().optional().describe('A fixed value.'),
  requestHeader: headerName()
    .optional()
    .describe('The value of this header of the request; the attribute is left out when it has none.'),
  environment: text('invalid-name', environmentProblem)
    .optional()
    .describe(
      "The value of this environment variable of the sidecar's: HOSTNAME, or one that begins with HEDDLE_TAG_.",
    ),
}).superRefine(({ name: _, ...value }, sink) => exactlyOne(sink, value, 'literal, requestHeader or environment'));

const tracing = strict({
  otlp: otlp().describe('Where spans go: the protocol of the port says whether over gRPC or HTTP.'),
  samplingPercentage: z
    .number()
    .min(0)
    .max(100)
    .default(1)
    .describe(
      'Share of the requests whose trace begins at a sidecar that are traced, in percent; 0 = none. A request that comes with a decision (traceparent) keeps it. Default: 1.',
    ),
  tags: z
    .array(tag)
    .max(32)
    .default([])
    .superRefine(namedOnce('the tag'))
    .describe('Attributes of every span, beside those that Envoy sets; at most 32. Default: none.'),
});

const metrics = strict({
  detail: z
    .enum(METRIC_DETAILS)
    .optional()
    .describe(
      'Which statistics Prometheus reads. Full: all that the sidecar keeps. Counts: all but how long requests took, which is most of them. Minimal: what the sidecar serves and how it is, and nothing for each service that it calls. Default: Full.',
    ),
  tags: metricTags
    .optional()
    .describe(
      'Labels of every series of the sidecar; at most 16. An empty list takes away those of a less specific policy. Default: none.',
    ),
}).superRefine((value, sink) => {
  if (value.detail === undefined && value.tags === undefined)
    report(sink, 'empty', 'must set at least one of detail, tags; it would have no effect');
});

/** `spec` of a Telemetry without `targetRef`. */
export const telemetrySchema = strict({
  sampleOneIn: z
    .literal([1, 2, 4, 8, 16, 32, 64, 128, 256])
    .optional()
    .describe(
      'One of so many requests without failure is told to Heddle in detail, a power of two up to 256; 1 = all. Rates and latencies do not depend on it, and every failure and retry is told. Default: 16.',
    ),
  accessLogs: z
    .array(accessLog)
    .max(8)
    .optional()
    .describe(
      'Logs of every request, beside what Heddle is told; at most 8. An empty list turns off those of a less specific policy. Default: none.',
    ),
  tracing: tracing
    .optional()
    .describe(
      'Spans of the requests that pass. The application must hand on `traceparent` for the hops to be one trace. Spans hold the URL with its query. Default: none.',
    ),
  metrics: metrics
    .optional()
    .describe(
      "What Prometheus reads of the sidecar, by Heddle's service discovery. Envoy itself is told nothing of it, and no listener is replaced. `detail` and `tags` are merged each by itself.",
    ),
}).superRefine((spec, sink) => {
  if (Object.values(spec).every((value) => value === undefined))
    report(
      sink,
      'empty-spec',
      'must set at least one of sampleOneIn, accessLogs, tracing, metrics; it would have no effect',
    );
});

export type TelemetrySpec = z.infer<typeof telemetrySchema>;
export type AccessLogSpec = NonNullable<TelemetrySpec['accessLogs']>[number];
export type TracingSpec = NonNullable<TelemetrySpec['tracing']>;
export type BackendRefSpec = z.infer<typeof backendRef>;

function exactlyOne(sink: Parameters<typeof report>[0], value: Readonly<Record<string, unknown>>, what: string): void {
  const count = Object.values(value).filter((one) => one !== undefined).length;
  if (count !== 1) report(sink, count === 0 ? 'required' : 'conflict', `must have exactly one of ${what}`);
}

export const backendPort = (ref: BackendRefSpec, namespace: string): BackendPort => ({
  kind: ref.kind,
  namespace: ref.namespace ?? namespace,
  name: ref.name,
  port: ref.port,
});

/** Everything that sidecars are made to call, with the field that says so. */
export function backendsOf(
  { accessLogs = [], tracing: spans }: TelemetrySpec,
  namespace: string,
): readonly { readonly path: string; readonly backend: BackendPort }[] {
  const logs = accessLogs.flatMap(({ otlp: sink }, index) =>
    sink
      ? [
          {
            path: pointer('spec', 'accessLogs', index, 'otlp', 'backendRef'),
            backend: backendPort(sink.backendRef, namespace),
          },
        ]
      : [],
  );
  if (!spans) return logs;
  const path = pointer('spec', 'tracing', 'otlp', 'backendRef');
  return [...logs, { path, backend: backendPort(spans.otlp.backendRef, namespace) }];
}

/**
 * What a sidecar tells of the requests that pass through it, by Envoy's own access log service, to the control plane on the
 * connection of its configuration. There are three logs: the caller's of whole requests and of each attempt, and the
 * callee's of what it served. All failures are told and every attempt that repeats another; of the rest a sample, chosen by
 * the first digits of the request id, so that both ends and all attempts choose the same requests.
 */
import {
  type AccessLogFilterSchema,
  type AccessLogSchema,
  ApiVersion,
  ComparisonFilter_Op,
  durationMs,
  GrpcStatusFilter_Status,
  HttpGrpcAccessLogConfigSchema,
  packAny,
} from '#libs/envoy-api';
import type { OneOf } from '#libs/model';
import type { Init } from './init-message.js';
import { XDS_CLUSTER } from './names.js';

type AccessLog = Init<typeof AccessLogSchema>;
type Filter = Init<typeof AccessLogFilterSchema>;

/** `request` and `attempt` are written by the caller's sidecar, `served` by the callee's. */
export type LoggedAs = 'request' | 'attempt' | 'served';

/** Where no policy says otherwise. A change of it replaces every listener, whose connections then drain. */
export const SAMPLE: OneOf = 16;

/** How long a sidecar gathers entries, and how many bytes of them at most. */
const FLUSH_MS = 1_000;
const BUFFER_BYTES = 16_384;
const HEX = '0123456789abcdef';
/** The number of an attempt is in no other place of an attempt's entry. */
const ATTEMPT_COUNT = 'x-envoy-attempt-count';
/** A number from 0 to 16. The HTTP status of a gRPC call says nothing. */
const GRPC_STATUS = 'grpc-status';

/** @param oneOf the receiver learns it from the log's name: `request;1/16` */
export const accessLog = (as: LoggedAs, oneOf: OneOf = SAMPLE): AccessLog => ({
  name: 'envoy.access_loggers.http_grpc',
  ...(oneOf === 1 ? {} : { filter: anyOf([...failed(), ...(as === 'attempt' ? [again()] : []), sampled(oneOf)]) }),
  configType: {
    case: 'typedConfig',
    value: packAny(HttpGrpcAccessLogConfigSchema, {
      commonConfig: {
        logName: `${as};1/${oneOf}`,
        grpcService: { targetSpecifier: { case: 'envoyGrpc', value: { clusterName: XDS_CLUSTER } } },
        transportApiVersion: ApiVersion.V3,
        bufferFlushInterval: durationMs(FLUSH_MS),
        bufferSizeBytes: BUFFER_BYTES,
      },
      additionalRequestHeadersToLog: [ATTEMPT_COUNT],
      additionalResponseHeadersToLog: [GRPC_STATUS],
      additionalResponseTrailersToLog: [GRPC_STATUS],
    }),
  },
});

/** Statuses of gRPC that stand for a failure of the callee or on the way to it, or for a refusal, which may be a policy's. */
const GRPC_FAILURES = [
  GrpcStatusFilter_Status.UNKNOWN,
  GrpcStatusFilter_Status.DEADLINE_EXCEEDED,
  GrpcStatusFilter_Status.PERMISSION_DENIED,
  GrpcStatusFilter_Status.RESOURCE_EXHAUSTED,
  GrpcStatusFilter_Status.UNIMPLEMENTED,
  GrpcStatusFilter_Status.INTERNAL,
  GrpcStatusFilter_Status.UNAVAILABLE,
  GrpcStatusFilter_Status.DATA_LOSS,
];

/**
 * No answer at all, 5xx, 429, 403 (of a policy or not: only the other end knows), anything that Envoy itself did, and
 * failures of gRPC, which are a 200 (and a 400 without a status of gRPC would count as `INTERNAL`).
 */
const failed = (): Filter[] => [
  status(ComparisonFilter_Op.GE, 500),
  status(ComparisonFilter_Op.EQ, 429),
  status(ComparisonFilter_Op.EQ, 403),
  status(ComparisonFilter_Op.EQ, 0),
  { filterSpecifier: { case: 'responseFlagFilter', value: {} } },
  allOf([
    header('content-type', { matchPattern: { case: 'prefix', value: 'application/grpc' } }),
    { filterSpecifier: { case: 'grpcStatusFilter', value: { statuses: GRPC_FAILURES } } },
  ]),
];

const again = (): Filter => header(ATTEMPT_COUNT, { matchPattern: { case: 'exact', value: '1' } }, true);

/** The first digit takes sixteen values, the first two 256. What a client that makes its own ids makes of it is its own affair. */
export function sampled(oneOf: Exclude<OneOf, 1>): Filter {
  const [before, of] = oneOf <= 16 ? ['', oneOf] : ['0', oneOf / 16];
  const last = HEX[16 / of - 1] ?? '0';
  const digits = last === '0' ? '0' : last > '9' ? `[0-9a-${last}]` : `[0-${last}]`;
  return header('x-request-id', {
    matchPattern: { case: 'safeRegex', value: { regex: `${before}${digits}.*` } },
  });
}

type StringMatch = Extract<
  NonNullable<Extract<Filter['filterSpecifier'], { case: 'headerFilter' }>['value']['header']>['headerMatchSpecifier'],
  { case: 'stringMatch' }
>['value'];

const header = (name: string, value: StringMatch, invertMatch = false): Filter => ({
  filterSpecifier: {
    case: 'headerFilter',
    value: { header: { name, invertMatch, headerMatchSpecifier: { case: 'stringMatch', value } } },
  },
});

/** Envoy wants a runtime key by which the number could be changed; nothing sets these. */
const status = (op: ComparisonFilter_Op, value: number): Filter => ({
  filterSpecifier: {
    case: 'statusCodeFilter',
    value: { comparison: { op, value: { defaultValue: value, runtimeKey: `heddle.access_log.status_${value}` } } },
  },
});

const anyOf = (filters: Filter[]): Filter => ({ filterSpecifier: { case: 'orFilter', value: { filters } } });
const allOf = (filters: Filter[]): Filter => ({ filterSpecifier: { case: 'andFilter', value: { filters } } });

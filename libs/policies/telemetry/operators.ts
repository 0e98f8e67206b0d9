/** Envoy's command operators in log formats (its manual, "Access logging", "Command operators"). */
import { didYouMean } from '#libs/model';

/** Those that an Envoy of 1.36 knows, beside the families of `DOWNSTREAM_` and `UPSTREAM_`. */
const OPERATORS: ReadonlySet<string> = new Set([
  ...['START_TIME', 'START_TIME_LOCAL', 'EMIT_TIME', 'EMIT_TIME_LOCAL', 'DURATION', 'COMMON_DURATION'],
  ...['REQUEST_DURATION', 'REQUEST_TX_DURATION', 'RESPONSE_DURATION', 'RESPONSE_TX_DURATION', 'ROUNDTRIP_DURATION'],
  ...['BYTES_RECEIVED', 'BYTES_SENT', 'BYTES_RETRANSMITTED', 'PACKETS_RETRANSMITTED'],
  ...['REQUEST_HEADERS_BYTES', 'RESPONSE_HEADERS_BYTES', 'RESPONSE_TRAILERS_BYTES'],
  ...['PROTOCOL', 'RESPONSE_CODE', 'RESPONSE_CODE_DETAILS', 'RESPONSE_FLAGS', 'RESPONSE_FLAGS_LONG'],
  ...['CONNECTION_TERMINATION_DETAILS', 'GRPC_STATUS', 'GRPC_STATUS_NUMBER', 'LOCAL_REPLY_BODY'],
  ...['REQ', 'RESP', 'TRAILER', 'PATH', 'QUERY_PARAM', 'QUERY_PARAMS', 'REQ_WITHOUT_QUERY'],
  ...['ROUTE_NAME', 'VIRTUAL_CLUSTER_NAME', 'VIRTUAL_HOST_NAME', 'CLUSTER_METADATA', 'REQUESTED_SERVER_NAME'],
  ...['DYNAMIC_METADATA', 'METADATA', 'FILTER_STATE', 'FILTER_CHAIN_NAME', 'CEL', 'CUSTOM_FLAGS', 'ACCESS_LOG_TYPE'],
  ...['CONNECTION_ID', 'STREAM_ID', 'UNIQUE_ID', 'TRACE_ID', 'SPAN_ID', 'HOSTNAME', 'ENVIRONMENT'],
  ...['TLS_JA3_FINGERPRINT', 'TLS_JA4_FINGERPRINT'],
]);
const FAMILY = /^(?:DOWNSTREAM|UPSTREAM)_[A-Z0-9_]+$/;
/** `%%`, or a name with what may follow: parameters, which may hold percent signs, and a length. */
const OPERATOR = /%(?:%|([A-Za-z0-9_]+)(?:\(([^()]*)\))?(?::\d+)?%)/g;

/**
 * What is wrong with the name of an environment variable, as the end of a sentence. Secrets are often handed to processes
 * in their environment: only whoever starts the sidecar decides what of it may be told.
 */
export const environmentProblem = (name: string): string | undefined =>
  name === 'HOSTNAME' || /^HEDDLE_TAG_[A-Z0-9_]{1,100}$/.test(name)
    ? undefined
    : "must be HOSTNAME or begin with HEDDLE_TAG_: others of the sidecar's environment may be secret";

/** What is wrong with a format, as the end of a sentence: Envoy would refuse the listener for it. */
export function formatProblem(format: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the rule is about
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(format)) return 'must not contain line breaks or control characters';
  const rest = format.replaceAll(OPERATOR, '');
  if (rest.includes('%'))
    return 'must have a name between each two "%", such as %PROTOCOL% or %REQ(X-NAME)%; a percent sign itself is "%%"';
  for (const [, name, given = ''] of format.matchAll(OPERATOR)) {
    if (name === 'ENVIRONMENT') {
      const problem = environmentProblem(given);
      if (problem !== undefined) return `names %ENVIRONMENT(${given})%, whose variable ${problem}`;
    }
    if (name === undefined || OPERATORS.has(name) || FAMILY.test(name)) continue;
    return `must use Envoy's command operators; there is no %${name}%${didYouMean(name, [...OPERATORS])}`;
  }
  return undefined;
}

/** Whether a format needs Envoy's extension that cuts the query off a path. */
export const isWithoutQuery = (format: string): boolean => format.includes('%REQ_WITHOUT_QUERY(');

/**
 * What became of a request, or of one attempt of it. The class says where it failed and how, in the words that operators
 * use; Envoy's response flags (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#config-access-log-format-response-flags)
 * and details are finer and differ between versions.
 *
 * | class | the callee, or what stands before it |
 * |---|---|
 * | `ok` | answered, and not with a failure |
 * | `error` | the application itself answered 5xx, or a gRPC status that stands for one |
 * | `throttled` | the application itself answered 429 |
 * | `refused` | did not take the connection: nobody listens |
 * | `connect_timeout` | did not answer the connection in time: the host or its network is gone |
 * | `reset` | took the request and closed the connection or the stream before it had answered |
 * | `tls` | could not be authenticated, or did not accept the caller's certificate |
 * | `timeout` | did not answer in the time that the route or the policy gives |
 * | `no_instance` | has no instance that may be sent to |
 * | `dns` | has a name that does not resolve |
 * | `overflow` | a circuit breaker of the caller's sidecar let no more through |
 * | `rate_limited` | a rate limit of the mesh refused |
 * | `denied` | an access policy refused |
 * | `no_route` | no route, or a route to nothing |
 * | `injected` | a fault that was injected on purpose |
 * | `overloaded` | the sidecar itself shed load |
 * | `client_gone` | the caller did not wait for the answer: neither success nor failure of the callee |
 * | `other` | failed in a way that none of these names |
 */
export const OUTCOMES = [
  'ok',
  'error',
  'throttled',
  'refused',
  'connect_timeout',
  'reset',
  'tls',
  'timeout',
  'no_instance',
  'dns',
  'overflow',
  'rate_limited',
  'denied',
  'no_route',
  'injected',
  'overloaded',
  'client_gone',
  'other',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** Everything that counts against the callee or what stands before it. */
export type FailureOutcome = Exclude<Outcome, 'ok' | 'client_gone'>;

export const isFailure = (outcome: Outcome): outcome is FailureOutcome => outcome !== 'ok' && outcome !== 'client_gone';

export const FAILURE_OUTCOMES: readonly FailureOutcome[] = OUTCOMES.filter(isFailure);

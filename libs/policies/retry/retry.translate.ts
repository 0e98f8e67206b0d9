import {
  durationMs,
  type MessageInitShape,
  type RetryPolicy,
  type RetryPolicySchema,
  RoutingPriority,
} from '#libs/envoy-api';
import type { ClusterPatch, RoutePatch } from '#libs/model';
import type { EffectiveRetry } from './retry.resolve.js';

/** The initialiser, not a finished message: parts of it are spread together. */
type RetryInit = Exclude<MessageInitShape<typeof RetryPolicySchema>, RetryPolicy>;

/** Conditions after which nothing can have been carried out: safe for every request. */
const SAFE = ['connect-failure', 'refused-stream', 'reset-before-request'] as const;
/** Wait before the first retry when only the upper limit was set. */
const DEFAULT_BASE_MS = 25;
const MAX_OVER_BASE = 10;
const DEFAULT_RETRY_AFTER_MS = 5000;

/** `RouteAction.retry_policy`: only what somebody set, since the rest is left to the defaults. */
export function retryToRoute(retry: EffectiveRetry): RoutePatch {
  const { attempts, perTryTimeoutMs, otherHost } = retry;
  const retryPolicy: RetryInit = {
    ...conditions(retry),
    ...(attempts && { numRetries: attempts.value }),
    ...(perTryTimeoutMs && { perTryTimeout: durationMs(perTryTimeoutMs.value) }),
    ...backoff(retry),
    ...retryAfter(retry),
    ...(otherHost?.value === false && { retryHostPredicate: [], hostSelectionRetryMaxAttempts: 0n }),
  };
  return { action: { retryPolicy } };
}

const setsConditions = ({ on, codes, grpc }: EffectiveRetry): boolean => Boolean(on ?? codes ?? grpc);

function conditions(retry: EffectiveRetry): RetryInit {
  const methods = retry.methods?.value.map((method) => ({
    name: ':method',
    headerMatchSpecifier: {
      case: 'stringMatch' as const,
      value: { matchPattern: { case: 'exact' as const, value: method } },
    },
  }));
  if (!setsConditions(retry)) return methods ? { retriableRequestHeaders: methods } : {};
  const codes = [...(retry.codes?.value ?? [])].sort((a, b) => a - b);
  const words = [
    ...(retry.on?.value ?? SAFE),
    ...(retry.grpc?.value ?? []),
    ...(codes.length > 0 ? ['retriable-status-codes'] : []),
  ];
  return { retryOn: words.sort().join(','), retriableStatusCodes: codes, retriableRequestHeaders: methods ?? [] };
}

/** Both ends are always written: Envoy takes its own 25 ms to 250 ms else, and refuses a maximum below the base. */
function backoff({ backoffBaseMs, backoffMaxMs }: EffectiveRetry): RetryInit {
  if (!backoffBaseMs && !backoffMaxMs) return {};
  const base = backoffBaseMs?.value ?? Math.min(DEFAULT_BASE_MS, backoffMaxMs?.value ?? DEFAULT_BASE_MS);
  const max = Math.max(base, backoffMaxMs?.value ?? base * MAX_OVER_BASE);
  return { retryBackOff: { baseInterval: durationMs(base), maxInterval: durationMs(max) } };
}

/** A response that says when to come back is obeyed; Envoy falls back to the usual wait when it asks for too much. */
function retryAfter(retry: EffectiveRetry): RetryInit {
  const ms = retry.retryAfterMaxMs?.value ?? (setsConditions(retry) ? DEFAULT_RETRY_AFTER_MS : 0);
  if (ms === 0) return {};
  return { rateLimitedRetryBackOff: { resetHeaders: [{ name: 'retry-after' }], maxInterval: durationMs(ms) } };
}

/** `retry_budget` of the cluster's circuit breaker. */
export function retryToCluster({ budgetPercent, budgetMinConcurrency }: EffectiveRetry): ClusterPatch {
  if (!budgetPercent && !budgetMinConcurrency) return {};
  const retryBudget = {
    ...(budgetPercent && { budgetPercent: { value: budgetPercent.value } }),
    ...(budgetMinConcurrency && { minRetryConcurrency: budgetMinConcurrency.value }),
  };
  return { cluster: { circuitBreakers: { thresholds: [{ priority: RoutingPriority.DEFAULT, retryBudget }] } } };
}

import { type Contribution, durationToMs, type Merged, mergeFields } from '#libs/model';
import type { RetrySpec } from './retry.schema.js';

/** The spec with nested objects laid flat, so that each of their fields is merged by itself. */
interface Retries {
  readonly attempts?: number | undefined;
  readonly perTryTimeoutMs?: number | undefined;
  readonly backoffBaseMs?: number | undefined;
  readonly backoffMaxMs?: number | undefined;
  readonly retryAfterMaxMs?: number | undefined;
  readonly on?: RetrySpec['on'];
  readonly codes?: RetrySpec['codes'];
  readonly grpc?: RetrySpec['grpc'];
  readonly methods?: RetrySpec['methods'];
  readonly otherHost?: boolean | undefined;
  readonly budgetPercent?: number | undefined;
  readonly budgetMinConcurrency?: number | undefined;
}

/** Retries with where each field comes from; an absent one is left to the defaults. */
export type EffectiveRetry = Merged<Retries>;

/** Merges field by field, most specific first. */
export function resolveRetry(contributions: readonly Contribution<RetrySpec>[]): EffectiveRetry {
  return mergeFields(contributions.map(({ spec, source, level }) => ({ spec: flat(spec), source, level })));
}

const flat = (spec: RetrySpec): Retries => ({
  attempts: spec.attempts,
  perTryTimeoutMs: durationToMs(spec.perTryTimeout),
  backoffBaseMs: durationToMs(spec.backoff?.base),
  backoffMaxMs: durationToMs(spec.backoff?.max),
  retryAfterMaxMs: durationToMs(spec.retryAfterMax),
  on: spec.on,
  codes: spec.codes,
  grpc: spec.grpc,
  methods: spec.methods,
  otherHost: spec.otherHost,
  budgetPercent: spec.budget?.percent,
  budgetMinConcurrency: spec.budget?.minConcurrency,
});

import { contributorsOf, definePolicy } from '#libs/model';
import { retryName } from './retry.name.js';
import { type EffectiveRetry, resolveRetry } from './retry.resolve.js';
import { type RetrySpec, retrySchema } from './retry.schema.js';
import { retryToCluster, retryToRoute } from './retry.translate.js';

/** RetryPolicy: when and how callers try again. */
export const retryPolicy = definePolicy<RetrySpec, EffectiveRetry>({
  ...retryName,
  summary: 'When callers of a service try a request again: how often, after what wait, within which budget.',
  side: 'client',
  targets: ['Service', 'ExternalService', 'HTTPRoute', 'GRPCRoute', 'Mesh'],
  schema: retrySchema,
  resolve: resolveRetry,
  contributors: contributorsOf,
  toRoute: retryToRoute,
  toCluster: retryToCluster,
});

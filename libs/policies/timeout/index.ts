import { contributorsOf, definePolicy } from '#libs/model';
import { timeoutName } from './timeout.name.js';
import { type EffectiveTimeout, resolveTimeout } from './timeout.resolve.js';
import { type TimeoutSpec, timeoutSchema } from './timeout.schema.js';
import { timeoutToCluster, timeoutToRoute } from './timeout.translate.js';

/** TimeoutPolicy: how long callers wait. */
export const timeoutPolicy = definePolicy<TimeoutSpec, EffectiveTimeout>({
  ...timeoutName,
  summary: 'How long callers of a service wait: for a whole request, for the next byte, for a connection.',
  side: 'client',
  targets: ['Service', 'ExternalService', 'HTTPRoute', 'GRPCRoute', 'Mesh'],
  schema: timeoutSchema,
  resolve: resolveTimeout,
  contributors: contributorsOf,
  toRoute: timeoutToRoute,
  toCluster: timeoutToCluster,
});

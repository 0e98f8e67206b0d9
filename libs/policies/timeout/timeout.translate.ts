import { durationMs } from '#libs/envoy-api';
import type { ClusterPatch, RoutePatch } from '#libs/model';
import type { EffectiveTimeout } from './timeout.resolve.js';

/** `RouteAction.timeout` and `idle_timeout`; Envoy reads 0 as no limit in both. */
export function timeoutToRoute({ requestMs, idleMs }: EffectiveTimeout): RoutePatch {
  return {
    action: {
      ...(requestMs && { timeout: durationMs(requestMs.value) }),
      ...(idleMs && { idleTimeout: durationMs(idleMs.value) }),
    },
  };
}

/** `Cluster.connect_timeout`. */
export const timeoutToCluster = ({ connectMs }: EffectiveTimeout): ClusterPatch =>
  connectMs ? { cluster: { connectTimeout: durationMs(connectMs.value) } } : {};

import { destinationKey, destinationOf } from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import type { ResourceId } from '#libs/model';
import { proxyId } from '../resources.js';
import type { ProxyName } from '../types.js';

/**
 * What a resource of the past is about, by its name: `<namespace>/<service>/...` is of that service, everything inbound
 * and the shared listener of the proxy.
 */
export function subjectOfName(ctx: Ctx, proxy: ProxyName, type: string, name: string): ResourceId {
  const parts = name.split('/');
  const [namespace, service] = type === 'LDS' && parts[0] === 'outbound' ? parts.slice(1) : parts;
  if (parts[0] === 'inbound' || namespace === undefined || service === undefined) return proxyId(proxy);
  const kind = destinationOf(ctx, destinationKey(namespace, service))?.kind ?? 'Service';
  return { kind, namespace, name: service };
}

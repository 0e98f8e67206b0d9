import { destinationKey, destinationOf, inboundName, portOfListener, splitDestinationKey } from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import type { ResourceId } from '#libs/model';
import { proxyId } from '../resources.js';
import type { ProxyName } from '../types.js';

/**
 * What a resource of the past is about, by its name: `<namespace>/<service>/...` is of that service, everything inbound
 * and the shared listener of the proxy.
 */
export function subjectOfName(ctx: Ctx, proxy: ProxyName, type: string, name: string): ResourceId {
  const own = type === 'LDS' ? portOfListener(name) : '';
  const { namespace, name: service } = splitDestinationKey(own || name);
  if (name.startsWith(inboundName('')) || service === '') return proxyId(proxy);
  const kind = destinationOf(ctx, destinationKey(namespace, service))?.kind ?? 'Service';
  return { kind, namespace, name: service };
}

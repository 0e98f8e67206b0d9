/** Where route rules send requests: which backends exist and may be named. */
import type { Ctx } from '#libs/incremental';
import type { Route } from '#libs/model';
import { destinationOf, portOf } from './destinations.js';
import type { BackendTarget } from './inputs.js';
import { mayRefer } from './mesh-settings.js';
import { clusterName, destinationKey } from './names.js';

/** Gateway API reasons of `ResolvedRefs` = False. */
export type Unresolved = { readonly reason: 'BackendNotFound' | 'RefNotPermitted'; readonly message: string };

export type ResolvedBackend = { readonly ok: true; readonly cluster: string } | ({ readonly ok: false } & Unresolved);

const missing = (message: string): ResolvedBackend => ({ ok: false, reason: 'BackendNotFound', message });

/** The cluster of a backend that a route names, or why it has none. */
export function resolveBackend(ctx: Ctx, route: Route, backend: BackendTarget): ResolvedBackend {
  const { kind, namespace, name, port, subset } = backend;
  const printed = `${kind} ${namespace}/${name}`;
  if (!mayRefer(ctx, route, backend)) {
    const message = `${printed} is in another namespace, and no ReferenceGrant of ${namespace} lets a ${route.kind} of ${route.namespace} name it`;
    return { ok: false, reason: 'RefNotPermitted', message };
  }
  const key = destinationKey(namespace, name);
  const destination = destinationOf(ctx, key);
  if (!destination || destination.kind !== kind) return missing(`${printed} does not exist`);
  const servicePort = portOf(destination, port);
  if (!servicePort) {
    const known = destination.value.ports.map((p) => p.port).join(', ');
    return missing(`${printed} has no port ${port}; its ports are ${known}`);
  }
  if (servicePort.protocol === 'tcp')
    return missing(`port ${port} of ${printed} is TCP, and a ${route.kind} needs HTTP`);
  if (subset !== '' && !(destination.kind === 'Service' && destination.value.subsets.some((s) => s.name === subset))) {
    return missing(`${printed} has no subset ${subset}`);
  }
  return { ok: true, cluster: clusterName(key, port, subset) };
}

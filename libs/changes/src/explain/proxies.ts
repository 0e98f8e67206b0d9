/** Registered proxies by the names that people give them. */
import { destinationKey, INSTANCE, type MeshGraph, SELECTED } from '#libs/compiler';
import { compareCodeUnits } from '#libs/kernel';
import type { ProxyName } from './types.js';

/** Every registered proxy, by namespace and name. */
export function allProxies({ ctx, instances }: MeshGraph): readonly ProxyName[] {
  return [...instances]
    .sort(compareCodeUnits)
    .flatMap((key) => ctx.input(INSTANCE, key) ?? [])
    .map(({ namespace, name, workload }) => ({ namespace, instance: name, workload }));
}

/** The instance of this name, or the first of the workload or service of this name. */
export function findProxy(graph: MeshGraph, namespace: string, name: string): ProxyName | undefined {
  const own = allProxies(graph).filter((proxy) => proxy.namespace === namespace);
  const exact = own.find(({ instance }) => instance === name) ?? own.find(({ workload }) => workload === name);
  if (exact) return exact;
  const [first] = graph.ctx.get(SELECTED, destinationKey(namespace, name));
  return own.find(({ instance }) => destinationKey(namespace, instance) === first);
}

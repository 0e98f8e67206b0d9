/** Which routes and policies have to do with a service. */
import { z } from 'zod';
import type { StoredResource } from '#libs/store';
import type { Concerning, Ref } from './catalogue.view.js';

const refSchema = z.object({ kind: z.string().default('Service'), name: z.string(), namespace: z.string().optional() });
const specSchema = z.object({
  targetRef: refSchema.optional(),
  parentRefs: z.array(refSchema).default([]),
  rules: z.array(z.object({ backendRefs: z.array(refSchema).default([]) })).catch([]),
});
const authorizationSchema = z.object({
  action: z.string(),
  rules: z
    .array(
      z.object({
        from: z
          .array(
            z.object({
              principals: z.array(z.string()).default([]),
              workloads: z.array(z.string()).default([]),
              namespaces: z.array(z.string()).default([]),
            }),
          )
          .optional(),
      }),
    )
    .default([]),
});

type Reach = Concerning['reach'];

const isIt = (ref: z.output<typeof refSchema>, home: string, { namespace, name }: Ref): boolean =>
  ref.kind === 'Service' && ref.name === name && (ref.namespace ?? home) === namespace;

/** Undefined = it has nothing to do with the service. */
export function reachOf(resource: Pick<StoredResource, 'namespace' | 'spec'>, service: Ref): Reach | undefined {
  const parsed = specSchema.safeParse(resource.spec);
  if (!parsed.success) return undefined;
  const { targetRef, parentRefs, rules } = parsed.data;
  const refs = [...parentRefs, ...rules.flatMap(({ backendRefs }) => backendRefs), ...(targetRef ? [targetRef] : [])];
  if (refs.some((ref) => isIt(ref, resource.namespace, service))) return 'service';
  if (targetRef?.kind === 'Mesh') return 'mesh';
  const isOfNamespace = targetRef === undefined && refs.length === 0 && resource.namespace === service.namespace;
  return isOfNamespace ? 'namespace' : undefined;
}

/** Who may call by one policy: `every identity`, or the callers that its rules name. Undefined = it lets nobody in by itself. */
export function admits(spec: unknown): readonly string[] | undefined {
  const parsed = authorizationSchema.safeParse(spec);
  if (!parsed.success || parsed.data.action !== 'ALLOW') return undefined;
  return parsed.data.rules.flatMap(({ from }) =>
    from === undefined
      ? ['every identity']
      : from.flatMap(({ principals, workloads, namespaces }) => [
          ...principals,
          ...workloads,
          ...namespaces.map((namespace) => `${namespace}/*`),
        ]),
  );
}

/** In a few words what a route or policy says. */
export function saysOf({ kind, spec }: Pick<StoredResource, 'kind' | 'spec'>): string {
  if (kind === 'AuthorizationPolicy') {
    const action = String(spec['action']);
    const callers = admits(spec);
    return callers === undefined ? action : `${action} ${callers.length > 0 ? callers.join(', ') : 'nobody'}`;
  }
  const { rules } = spec;
  if (Array.isArray(rules)) return rules.length === 1 ? '1 rule' : `${rules.length} rules`;
  return Object.entries(spec)
    .flatMap(([name, value]) => (name === 'targetRef' || typeof value === 'object' ? [] : [`${name} ${value}`]))
    .join(', ');
}

export function concerning(resource: StoredResource, service: Ref): Concerning[] {
  const reach = reachOf(resource, service);
  const { kind, namespace, name } = resource;
  return reach === undefined ? [] : [{ kind, namespace, name, reach, says: saysOf(resource) }];
}

/** Which routes and policies have to do with a service. */
import { z } from 'zod';
import { type PolicyTarget, type Reference, type Registry, readPolicyTarget, referencesOf } from '#libs/model';
import type { StoredResource } from '#libs/store';
import { policyNames } from '#policies/names';
import type { Concerning, Ref } from './catalogue.view.js';

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

/** A stored resource, or what a change says of one. */
export type Written = Pick<StoredResource, 'apiVersion' | 'kind' | 'namespace' | 'name' | 'spec'>;

/** How a resource reaches a service. */
export type Reached = Pick<Concerning, 'reach' | 'port'>;

export interface Where {
  readonly registry: Registry;
  readonly mesh: string;
}

const POLICIES: ReadonlySet<string> = new Set(policyNames.map(({ kind }) => kind));

/**
 * How a resource reaches a service, if it does. That it reaches one does not say that it is in force.
 * @returns undefined for a service that it has nothing to do with
 */
export function reachOf(resource: Written, where: Where): (service: Ref) => Reached | undefined {
  if (POLICIES.has(resource.kind)) {
    const target = readPolicyTarget(resource.spec, { ...resource, mesh: where.mesh });
    return (service) => policyReach(target, service);
  }
  const text = JSON.stringify(resource.spec);
  let references: readonly Reference[] | undefined;
  return (service) => {
    // Parsing costs more than looking for the name, without which nothing refers to the service.
    if (!text.includes(service.name)) return undefined;
    references ??= referencesIn(resource, where);
    return references.some(({ to }) => isIt(to, service)) ? { reach: 'service' } : undefined;
  };
}

function referencesIn(
  { apiVersion, kind, namespace, name, spec }: Written,
  { registry, mesh }: Where,
): readonly Reference[] {
  const parsed = registry.parse({ apiVersion, kind, metadata: { name, namespace }, spec }, mesh);
  if (!parsed.ok) return [];
  return referencesOf(parsed.value.toDomain({ kind, namespace, name, revision: 0, createdRevision: 0 }));
}

const isIt = (to: Ref & { readonly kind: string }, { namespace, name }: Ref): boolean =>
  to.kind === 'Service' && to.namespace === namespace && to.name === name;

function policyReach(target: PolicyTarget | undefined, service: Ref): Reached | undefined {
  switch (target?.level) {
    case 'Mesh':
      return { reach: 'mesh' };
    case 'Namespace':
      return target.namespace === service.namespace ? { reach: 'namespace' } : undefined;
    case 'Service':
      return isIt(target, service) ? { reach: 'service' } : undefined;
    case 'ServicePort':
      return isIt(target, service) ? { reach: 'service', port: target.section } : undefined;
    default:
      return undefined;
  }
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

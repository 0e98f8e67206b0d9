import { z } from 'zod';
import type { Manifest } from '#libs/model';

/** Whoever is referred to, as routes and policies write it. */
const reference = z.object({ kind: z.string().optional(), namespace: z.string().optional(), name: z.string() });
const referring = z.object({
  targetRef: reference.optional().catch(undefined),
  parentRefs: z.array(reference).catch([]).default([]),
  rules: z
    .array(z.object({ backendRefs: z.array(reference).catch([]).default([]) }))
    .catch([])
    .default([]),
});

/** Kinds that matter to nobody's traffic by their own name. */
const NAMELESS = new Set(['Mesh', 'Namespace']);

/**
 * What a resource of this content has to do with: itself, and whom it refers to by name; undefined = the whole mesh, or a
 * whole namespace of it.
 */
export function touchedBy({ kind, metadata, spec }: Manifest): readonly string[] | undefined {
  if (NAMELESS.has(kind)) return undefined;
  const { targetRef, parentRefs, rules } = referring.parse(spec);
  if (targetRef?.kind !== undefined && NAMELESS.has(targetRef.kind)) return undefined;
  const referred = [
    ...(targetRef ? [targetRef] : []),
    ...parentRefs,
    ...rules.flatMap(({ backendRefs }) => backendRefs),
  ];
  if (referred.length === 0 && !IN_THEMSELVES.has(kind)) return undefined;
  const own = `${metadata.namespace}/${metadata.name}`;
  return [own, ...referred.map(({ namespace = metadata.namespace, name }) => `${namespace}/${name}`)];
}

/** What needs no reference to concern somebody. Other kinds without a target are for their whole namespace. */
const IN_THEMSELVES = new Set(['Service', 'ExternalService', 'HTTPRoute', 'GRPCRoute', 'Role', 'RoleBinding']);

import type { ReferenceGrant } from './domain.js';
import type { ResourceId } from './manifest.js';

/**
 * True when a resource may refer to another one: always inside a namespace, else by a ReferenceGrant in the namespace
 * of the target that names the kind and namespace it is referred from (Gateway API, ReferenceGrant). Grants of other
 * namespaces say nothing, so the whole list of a mesh may be handed in.
 */
export function isReferenceAllowed(
  from: Pick<ResourceId, 'kind' | 'namespace'>,
  to: ResourceId,
  grants: readonly ReferenceGrant[],
): boolean {
  if (from.namespace === to.namespace) return true;
  return grants.some(
    (grant) =>
      grant.namespace === to.namespace &&
      grant.from.some(({ kind, namespace }) => kind === from.kind && namespace === from.namespace) &&
      grant.to.some(({ kind, name }) => kind === to.kind && (name === undefined || name === to.name)),
  );
}

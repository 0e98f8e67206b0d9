/** Which parts of a mesh a plan concerns: findings are looked for there and nowhere else. */
import { destinationKey, destinationsIn, idOfValue, policyAt, ROUTE, sideOf } from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import { eachOf, flatMapped, type Steps, sortedByInSteps } from '#libs/kernel';
import { type PolicyTarget, type ResourceId, type Route, resourceKey } from '#libs/model';
import { isRoute, uniqueIds } from './places.js';
import type { Judged } from './types.js';

export interface Subjects {
  readonly resources: readonly ResourceId[];
  /** `<namespace>/<name>` */
  readonly destinations: readonly string[];
}

export function* subjectsOf({ mesh, fork, puts, deletes, usersOf }: Judged): Steps<Subjects> {
  const written = [...puts.map((value) => idOfValue(mesh, value)), ...deletes];
  const users = yield* flatMapped(written, usersOf);
  const resources = uniqueIds([...written, ...users]);
  const destinations = new Set<string>();
  for (const ctx of [fork.before.ctx, fork.ctx])
    yield* eachOf(
      resources,
      (id) => {
        for (const destination of concerned(ctx, id)) destinations.add(destination);
      },
      16,
    );
  return { resources, destinations: yield* sortedByInSteps(destinations, (key) => key) };
}

/** Destinations whose callers may notice a change of this resource. */
function concerned(ctx: Ctx, id: ResourceId): readonly string[] {
  if (id.kind === 'Service' || id.kind === 'ExternalService') return [destinationKey(id.namespace, id.name)];
  if (isRoute(id.kind)) {
    const route = routeAt(ctx, id);
    return route ? parentsOf(route) : [];
  }
  // What sidecars tell is no matter of calls.
  if (sideOf(ctx, resourceKey(id)) === 'proxy') return [];
  const policy = policyAt(ctx, resourceKey(id));
  return policy ? targeted(ctx, policy.target) : [];
}

const routeAt = (ctx: Ctx, { kind, namespace, name }: ResourceId): Route | undefined =>
  ctx.input(ROUTE, resourceKey({ kind, namespace, name }));

const parentsOf = (route: Route): readonly string[] =>
  route.parents.map(({ namespace, name }) => destinationKey(namespace, name));

function targeted(ctx: Ctx, target: PolicyTarget): readonly string[] {
  switch (target.level) {
    case 'Mesh':
      return destinationsIn(ctx);
    case 'Namespace':
      return destinationsIn(ctx, target.namespace);
    case 'Service':
    case 'ServicePort':
      return [destinationKey(target.namespace, target.name)];
    case 'Route':
    case 'RouteRule': {
      const route = routeAt(ctx, target);
      return route ? parentsOf(route) : [];
    }
    case 'Workload':
    case 'Gateway':
      return [];
  }
}

/**
 * Who may make, and who may see, what: the one place where every resource of an apply, plan, rollback or prune is
 * authorised, and where answers are cut to what their reader may know.
 */
import type { Authorize, Finding, IntendedWrite, Plan } from '#libs/changes';
import { printId, type ResourceId } from '#libs/model';
import { holds } from '../auth.ports.js';
import type { HttpRequest } from '../http.js';
import { ProblemError } from '../problem.js';

/** `plan`: nothing is written. `apply`: single writes, and plans of every origin, when they are carried out. */
export type Action = 'plan' | 'apply';

/** Refuses the whole of a request when one of its resources is not the caller's to write. @throws ProblemError 403 */
export const authorizeEach =
  (request: HttpRequest, action: Action): Authorize =>
  (writes) => {
    const refused = writes.filter((write) => write.op !== 'unchanged' && !mayWrite(request, action, write));
    if (refused.length === 0) return;
    const visible = visibleTo(request);
    const named = refused.filter(visible).map(printId);
    throw new ProblemError(403, 'forbidden', `you may not write ${listed(named, refused.length - named.length)}`);
  };

/** Roles of today hold for every mesh, namespace and kind: reading is enough to plan, an operator writes everything. */
function mayWrite({ principal }: HttpRequest, action: Action, _write: IntendedWrite): boolean {
  return principal?.type === 'api' && (action === 'plan' || holds(principal.role, 'operator'));
}

/** Keeping a plan takes space in the database: readers get theirs, but it is not kept. @throws ProblemError 403 */
export function requireMayKeep({ principal }: HttpRequest): void {
  if (principal?.type === 'api' && holds(principal.role, 'operator')) return;
  throw new ProblemError(403, 'forbidden', 'this token may plan, but not keep plans: send "save": false');
}

/** What the caller may read: a stored resource, a proxy (kind `Instance`), or an Envoy resource (kind `Cluster`, ..., by its namespace). */
export const visibleTo =
  ({ principal }: HttpRequest): ((id: ResourceId) => boolean) =>
  () =>
    principal?.type === 'api';

/** `Service shop/a, Service shop/b and 14 others` */
export function listed(names: readonly string[], others: number): string {
  const shown = names.slice(0, 10);
  const rest = others + names.length - shown.length;
  if (shown.length === 0) return rest === 1 ? 'one resource' : `${rest} resources`;
  return rest === 0 ? shown.join(', ') : `${shown.join(', ')} and ${rest} other${rest === 1 ? '' : 's'}`;
}

/** A plan as its reader may see it; what is left out is counted in `hidden`. */
export function filteredPlan(plan: Plan, visible: (id: ResourceId) => boolean): Plan {
  const intent = plan.intent.filter(visible);
  const envoy = plan.envoy.items.filter((one) => visible({ kind: one.type, namespace: one.namespace, name: one.name }));
  const proxies = plan.proxies.items.filter((one) =>
    visible({ kind: 'Instance', namespace: one.namespace, name: one.instance }),
  );
  const mayKnow = (finding: Finding): boolean => visible(finding.resource) && finding.by.every(visible);
  const findings = plan.findings.filter(mayKnow);
  const hidden = {
    intent: plan.intent.length - intent.length,
    envoy: plan.envoy.items.length - envoy.length,
    proxies: plan.proxies.items.length - proxies.length,
    findings: plan.findings.length - findings.length,
  };
  return {
    ...plan,
    intent,
    envoy: { ...plan.envoy, items: envoy },
    proxies: { ...plan.proxies, items: proxies },
    findings,
    resolved: plan.resolved.filter(mayKnow),
    warnings: plan.warnings.filter(({ resource }) => visible(resource)),
    conflicts: plan.conflicts.filter(visible),
    ...(Object.values(hidden).some((count) => count > 0) ? { hidden } : {}),
  };
}

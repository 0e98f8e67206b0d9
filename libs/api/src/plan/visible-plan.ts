/** What the caller of a plan, apply, rollback or prune may know: answers are cut to it. */
import type { Finding, IntentChange, Plan, Replay } from '#libs/changes';
import { idOf, type KindInfo, type ResourceId, resourceKey } from '#libs/model';
import type { AccessControl, Seen } from '../access/access-control.js';
import { forbiddenAtAll } from '../access/denials.js';
import { asItWas } from '../access/visible-changes.js';
import type { HttpRequest } from '../http.js';

export interface Reader {
  readonly kinds: readonly KindInfo[];
  /** @param seen a stored resource, a proxy, or an Envoy resource (kind `Proxy`, by its namespace) */
  readonly may: (seen: Seen) => boolean;
}

export const reader = (access: AccessControl, { principal }: HttpRequest, mesh: string): Reader => ({
  kinds: access.kinds,
  may: (seen) => access.may(principal, 'get', mesh, seen),
});

const WRITES = ['create', 'update', 'delete'] as const;

/** Keeping a plan takes space in the database: who may write nothing gets his, but it is not kept. @throws ProblemError 403 */
export function requireMayKeep(access: AccessControl, { principal }: HttpRequest, mesh: string): void {
  const rights = access.rightsOf(principal);
  if (WRITES.some((verb) => rights.touches({ verb, mesh }))) return;
  throw forbiddenAtAll(WRITES, mesh, access.kinds, 'to keep plans (send "save": false for one that is not kept), ');
}

/** `Service shop/a, Service shop/b and 14 others` */
export function listed(names: readonly string[], others: number): string {
  const shown = names.slice(0, 10);
  const rest = others + names.length - shown.length;
  if (shown.length === 0) return rest === 1 ? 'one resource' : `${rest} resources`;
  return rest === 0 ? shown.join(', ') : `${shown.join(', ')} and ${rest} other${rest === 1 ? '' : 's'}`;
}

/** As it is and as it would be. */
function sidesOf(intent: IntentChange): readonly Seen[] {
  const { kind, namespace, name, labels, manifest } = intent;
  if (manifest !== undefined) return [asItWas(intent, manifest)];
  return (labels ?? [{}]).map((each) => ({ kind, namespace, name, labels: each }));
}

/** A plan as its reader may see it; what is left out is counted in `hidden`. */
export function filteredPlan(plan: Plan, { may }: Reader): Plan {
  const intent = plan.intent.filter((one) => sidesOf(one).every(may));
  // By their labels, if that is how he may.
  const known = new Set(intent.map(resourceKey));
  const visible = (id: ResourceId): boolean => known.has(resourceKey(id)) || may(idOf(id));
  const proxy = (namespace: string, name: string): boolean => may({ kind: 'Proxy', namespace, name });
  const envoy = plan.envoy.items.filter(({ namespace, name }) => proxy(namespace, name));
  const proxies = plan.proxies.items.filter(({ namespace, instance }) => proxy(namespace, instance));
  const mayKnow = (finding: Finding): boolean => visible(finding.resource) && finding.by.every(visible);
  const findings = plan.findings.filter(mayKnow);
  const replay = plan.replay && visibleReplay(plan.replay, (namespace) => proxy(namespace, ''));
  const hidden = {
    intent: plan.intent.length - intent.length,
    envoy: plan.envoy.items.length - envoy.length,
    proxies: plan.proxies.items.length - proxies.length,
    findings: plan.findings.length - findings.length,
    ...(plan.replay && replay ? { replay: plan.replay.groups.length - replay.groups.length } : {}),
  };
  return {
    ...plan,
    intent,
    envoy: { ...plan.envoy, items: envoy },
    proxies: { ...plan.proxies, items: proxies },
    findings,
    resolved: plan.resolved.filter(mayKnow),
    warnings: plan.warnings.filter(({ resource, by }) => visible(resource) && (by === undefined || visible(by))),
    ...(replay ? { replay } : {}),
    conflicts: plan.conflicts.filter(visible),
    ...(Object.values(hidden).some((count) => count > 0) ? { hidden } : {}),
  };
}

/** What callers route by is for who may read their proxies. */
function visibleReplay(replay: Replay, mayRead: (namespace: string) => boolean): Replay {
  const groups = replay.groups.flatMap((group) => {
    const callers = group.callers.filter(({ namespace }) => mayRead(namespace));
    return callers.length > 0 ? [{ ...group, callers }] : [];
  });
  return { ...replay, groups };
}

/** What status says of a stored resource: Gateway API conditions, computed when they are read. */
import { type Ctx, defineQuery } from '#libs/incremental';
import { pointer, type Violation } from '#libs/kernel';
import { type ExternalService, printId, type ResourceId, type Route, resourceKey, type Service } from '#libs/model';
import { isAttached, suits } from './attachments.js';
import { resolveBackend } from './backends.js';
import { type Destination, destinationOf, destinationsIn, hostnameOwner } from './destinations.js';
import type { BackendTarget } from './inputs.js';
import { EXTERNAL, GRANT, MESH, ONCE, ROUTE, SERVICE, WITHHELD } from './inputs.js';
import { meshOf } from './mesh-settings.js';
import { destinationKey } from './names.js';
import { policyAt } from './policies.js';
import { policyConditions } from './policy-conditions.js';
import type { Condition } from './types.js';

type Finding = Violation & { readonly reason: string };

/** A condition that holds unless something was found; the first finding gives the reason. */
export function condition(
  type: Condition['type'],
  good: readonly [reason: string, message: string],
  findings: readonly Finding[] = [],
): Condition {
  const [first] = findings;
  if (!first) return { type, status: 'True', reason: good[0], message: good[1], details: [] };
  const details = findings.map(({ path, code, message }) => ({ path, code, message, severity: 'warning' as const }));
  return { type, status: 'False', reason: first.reason, message: findings.map((f) => f.message).join('; '), details };
}

const ACCEPTED = ['Accepted', 'It is in force'] as const;
const RESOLVED = ['ResolvedRefs', 'Every reference names something that exists'] as const;

function finding(reason: string, path: string, message: string): Finding {
  const code = reason.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
  return { reason, path, code, message };
}

function hostnameFindings(ctx: Ctx, destination: Destination): readonly Finding[] {
  return destination.value.hostnames.flatMap((hostname, i) => {
    const path = pointer('spec', 'hostnames', i);
    const owner = hostnameOwner(ctx, hostname);
    if (!hostname.includes('.')) {
      return [
        finding('HostnameConflict', path, `${hostname} has no dot: it would compete with short names, and is not used`),
      ];
    }
    if (owner === undefined || owner === destination.key) return [];
    return [finding('HostnameConflict', path, `${hostname} belongs to ${owner}`)];
  });
}

function serviceConditions(ctx: Ctx, value: Service): readonly Condition[] {
  const key = destinationKey(value.namespace, value.name);
  const missing = value.dependencies.flatMap((dependency, i) =>
    destinationOf(ctx, dependency)
      ? []
      : [finding('BackendNotFound', pointer('spec', 'dependencies', i), `there is no service ${dependency}`)],
  );
  return [
    condition('Accepted', ACCEPTED, hostnameFindings(ctx, { kind: 'Service', key, value })),
    condition('ResolvedRefs', RESOLVED, missing),
  ];
}

function externalConditions(ctx: Ctx, value: ExternalService): readonly Condition[] {
  const key = destinationKey(value.namespace, value.name);
  const service = ctx.input(SERVICE, key);
  const findings = service
    ? [finding('NameConflict', '/metadata/name', `${printId({ kind: 'Service', ...value })} has this name, and wins`)]
    : hostnameFindings(ctx, { kind: 'ExternalService', key, value });
  return [condition('Accepted', ACCEPTED, findings)];
}

function parentFinding(ctx: Ctx, route: Route, index: number): readonly Finding[] {
  const parent = route.parents[index];
  if (!parent) return [];
  const path = pointer('spec', 'parentRefs', index);
  const destination = destinationOf(ctx, destinationKey(parent.namespace, parent.name));
  const printed = printId(parent);
  if (!destination || destination.kind !== parent.kind) {
    return [finding('NoMatchingParent', path, `${printed} does not exist`)];
  }
  const meant = destination.value.ports.filter((port) => parent.port === undefined || port.port === parent.port);
  if (meant.some((port) => isAttached(route, destination, port))) return [];
  const why = meant.length === 0 ? `has no port ${parent.port}` : `has no port here that a ${route.kind} can govern`;
  const protocols = meant.filter((port) => !suits(route, port)).map((port) => `${port.port} is ${port.protocol}`);
  const detail = protocols.length > 0 ? ` (${protocols.join(', ')})` : '';
  return [finding('NoMatchingParent', path, `${printed} ${why}${detail}`)];
}

function routeConditions(ctx: Ctx, route: Route): readonly Condition[] {
  const parents = route.parents.flatMap((_, i) => parentFinding(ctx, route, i));
  const at = (backend: BackendTarget, path: string): readonly Finding[] => {
    const resolved = resolveBackend(ctx, route, backend);
    return resolved.ok ? [] : [finding(resolved.reason, path, resolved.message)];
  };
  const backends = route.rules.flatMap((rule, r) => [
    ...rule.backends.flatMap((backend, b) => at(backend, pointer('spec', 'rules', r, 'backendRefs', b))),
    ...rule.mirrors.flatMap(({ backend, filterIndex }) =>
      at(backend, pointer('spec', 'rules', r, 'filters', ...(filterIndex === undefined ? [] : [filterIndex]))),
    ),
  ]);
  return [condition('Accepted', ACCEPTED, parents), condition('ResolvedRefs', RESOLVED, backends)];
}

/** Above this many services every sidecar carries megabytes of clusters that it never uses. */
const COMFORTABLE_SERVICES = 50;

function meshConditions(ctx: Ctx): readonly Condition[] {
  const accepted = condition('Accepted', ACCEPTED);
  if (meshOf(ctx).scoping !== 'All') return [accepted];
  const count = destinationsIn(ctx).length;
  if (count <= COMFORTABLE_SERVICES) return [accepted];
  const message = `every sidecar is sent all ${count} services; with scoping: Declared it gets what its services depend on`;
  return [{ ...accepted, details: [{ path: '/spec/scoping', code: 'scope-too-wide', message, severity: 'warning' }] }];
}

function withheldConditions(denies: boolean): readonly Condition[] {
  const effect = denies ? 'whom it concerned is denied everything' : 'its last good content stays in force';
  const message = `the stored document no longer parses: ${effect} until it is mended`;
  return [condition('Accepted', ACCEPTED, [finding('Withheld', '', message)])];
}

/** Conditions of a resource by its key, `<kind>/<namespace>/<name>`; none if it is not there. */
export const CONDITIONS = defineQuery<readonly Condition[]>({
  name: 'conditions',
  run: (ctx, key) => {
    const [kind = '', namespace = '', name = ''] = key.split('/');
    const withheld = ctx.input(WITHHELD, key);
    if (withheld) return withheldConditions(withheld.denies !== undefined);
    const found = valueConditions(ctx, { kind, namespace, name });
    if (found) return found;
    const policy = policyAt(ctx, key);
    return policy ? policyConditions(ctx, policy) : [];
  },
});

function valueConditions(ctx: Ctx, id: ResourceId): readonly Condition[] | undefined {
  const key = destinationKey(id.namespace, id.name);
  switch (id.kind) {
    case 'Mesh':
      return ctx.input(MESH, ONCE) ? meshConditions(ctx) : [];
    case 'Service': {
      const service = ctx.input(SERVICE, key);
      return service ? serviceConditions(ctx, service) : [];
    }
    case 'ExternalService': {
      const external = ctx.input(EXTERNAL, key);
      return external ? externalConditions(ctx, external) : [];
    }
    case 'HTTPRoute':
    case 'GRPCRoute': {
      const route = ctx.input(ROUTE, resourceKey(id));
      return route ? routeConditions(ctx, route) : [];
    }
    case 'ReferenceGrant':
      return ctx.input(GRANT, key) ? [condition('Accepted', ACCEPTED)] : [];
    default:
      return undefined;
  }
}

/** Finds the policies of a target, most specific first, and lets their kinds merge them. Knows no kind. */
import { type Ctx, defineQuery, type IndexKind, type InputKind } from '#libs/incremental';
import { sortedBy } from '#libs/kernel';
import {
  type ClusterPatch,
  type Contribution,
  orderContributions,
  type Policy,
  type PolicyKind,
  type PolicySide,
  type PolicyTarget,
  type Route,
  type RoutePatch,
  type RouteRule,
  type ServicePort,
} from '#libs/model';
import { type Destination, destinationOf, portOf } from './destinations.js';
import { initHash, mergeInit } from './init-message.js';
import {
  CLIENT_POLICIES_BY_TARGET,
  CLIENT_POLICY,
  PROXY_POLICIES_BY_TARGET,
  PROXY_POLICY,
  SERVER_POLICIES_BY_TARGET,
  SERVER_POLICY,
  targetKey,
} from './inputs.js';
import { mayRefer, settingsOf } from './mesh-settings.js';
import { splitClusterName } from './names.js';

const SIDES: Record<PolicySide, { readonly input: InputKind<Policy>; readonly index: IndexKind<Policy> }> = {
  client: { input: CLIENT_POLICY, index: CLIENT_POLICIES_BY_TARGET },
  server: { input: SERVER_POLICY, index: SERVER_POLICIES_BY_TARGET },
  proxy: { input: PROXY_POLICY, index: PROXY_POLICIES_BY_TARGET },
};

/** Targets under which the policies of a service port are found, most specific first. */
export function portTargets(destination: Destination, port: ServicePort): readonly PolicyTarget[] {
  const { namespace, name } = destination.value;
  const { kind } = destination;
  return [
    { level: 'ServicePort', kind, namespace, name, section: port.name },
    { level: 'Service', kind, namespace, name, section: '' },
    ...outerTargets(namespace),
  ];
}

/** Targets of everything in a namespace. */
export const outerTargets = (namespace: string): readonly PolicyTarget[] => [
  { level: 'Namespace', kind: '', namespace, name: '', section: '' },
  { level: 'Mesh', kind: 'Mesh', namespace: '', name: '', section: '' },
];

export const routeTargets = (route: Route, rule: RouteRule): readonly PolicyTarget[] => {
  const { kind, namespace, name } = route;
  return [
    { level: 'RouteRule', kind, namespace, name, section: rule.name },
    { level: 'Route', kind, namespace, name, section: '' },
  ];
};

/** Policies of one kind that apply in one place, most specific first; never empty. */
export interface Applied {
  readonly kind: PolicyKind;
  readonly contributions: readonly Contribution<unknown>[];
}

/** A policy may name a target of another namespace only where that namespace grants it (SEC-48). */
export function mayTarget(ctx: Ctx, { kind, source, target }: Policy): boolean {
  if (target.level === 'Mesh' || target.level === 'Namespace') return true;
  return mayRefer(ctx, { kind, namespace: source.namespace }, target);
}

/** Which side a stored policy governs; undefined = there is none of this key. @param key `<kind>/<namespace>/<name>` */
export function sideOf(ctx: Ctx, key: string): PolicySide | undefined {
  return (['client', 'server', 'proxy'] as const).find((side) => ctx.input(SIDES[side].input, key) !== undefined);
}

/** A stored policy, whomever it governs. @param key `<kind>/<namespace>/<name>` */
export function policyAt(ctx: Ctx, key: string): Policy | undefined {
  const side = sideOf(ctx, key);
  return side && ctx.input(SIDES[side].input, key);
}

/** What applies under any of the targets, by kind name; within a kind in the order of precedence. */
export function applied(ctx: Ctx, side: PolicySide, targets: readonly PolicyTarget[]): readonly Applied[] {
  const { input, index } = SIDES[side];
  const policies = targets.flatMap((target) =>
    ctx
      .index(index, targetKey(target))
      .flatMap((key) => ctx.input(input, key) ?? [])
      .filter((policy) => mayTarget(ctx, policy)),
  );
  if (policies.length === 0) return [];
  return sortedBy(settingsOf(ctx)[side], (kind) => kind.kind).flatMap((kind) => {
    const own = policies.filter((policy) => policy.kind === kind.kind);
    if (own.length === 0) return [];
    const contributions = own.map(({ spec, source, target }) => ({ spec, source, level: target.level }));
    return [{ kind, contributions: orderContributions(contributions) }];
  });
}

/** What client-side policies make of a port at its callers. */
export interface ClientPatch {
  readonly route: RoutePatch;
  readonly cluster: ClusterPatch;
}

/** Resolves each kind and joins what they contribute. */
export function clientPatch(places: readonly Applied[]): ClientPatch {
  let patch: ClientPatch = { route: {}, cluster: {} };
  for (const { kind, contributions } of places) {
    const effective = kind.resolve(contributions);
    patch = {
      route: mergeInit(patch.route, kind.toRoute?.(effective)),
      cluster: mergeInit(patch.cluster, kind.toCluster?.(effective)),
    };
  }
  return patch;
}

/** Client-side patch of a service port where no route adds to it, by `<namespace>/<service>/<port>`. */
export const PORT_PATCH = defineQuery<ClientPatch>({
  name: 'port-patch',
  run: (ctx, key) => {
    const { destination: name, port } = splitClusterName(key);
    const destination = destinationOf(ctx, name);
    const servicePort = destination && portOf(destination, port);
    if (!servicePort) return { route: {}, cluster: {} };
    return clientPatch(applied(ctx, 'client', portTargets(destination, servicePort)));
  },
  hash: initHash,
});

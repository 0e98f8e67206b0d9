/** What a workload's ports are, and who may use them. */
import type { RBACSchema } from '#libs/envoy-api';
import { type Ctx, defineQuery } from '#libs/incremental';
import { sortedUnique } from '#libs/kernel';
import type { InboundContext, InboundPatch, PolicyTarget, PortProtocol, Service, TcpPrincipal } from '#libs/model';
import { SERVICES_OF_INSTANCE } from './destinations.js';
import { type Init, initHash } from './init-message.js';
import { INSTANCE, INSTANCES_BY_WORKLOAD, SERVICE, targetKey, WITHHELD_BY_TARGET } from './inputs.js';
import { meshOf, settingsOf, trustDomainsOf } from './mesh-settings.js';
import { applied, outerTargets, portTargets } from './policies.js';

type RbacInit = Init<typeof RBACSchema>;

/** Names of the ports that a workload's instances have both ends of, by `<namespace>/<workload>`, sorted. */
export const WORKLOAD_PORTS = defineQuery<readonly string[]>({
  name: 'workload-ports',
  run: (ctx, key) => sortedUnique(ctx.index(INSTANCES_BY_WORKLOAD, key).flatMap((instance) => portsOf(ctx, instance))),
});

/** Ports of an instance where its sidecar listens and its application does. */
export function portsOf(ctx: Ctx, instanceKey: string): readonly string[] {
  const instance = ctx.input(INSTANCE, instanceKey);
  return instance ? sortedUnique(Object.keys(instance.bind.ports)).filter((port) => port in instance.app.ports) : [];
}

/** The services that a workload's instances serve, by `<namespace>/<workload>`. */
export const SERVICES_OF_WORKLOAD = defineQuery<readonly string[]>({
  name: 'services-of-workload',
  run: (ctx, key) =>
    sortedUnique(ctx.index(INSTANCES_BY_WORKLOAD, key).flatMap((instance) => ctx.get(SERVICES_OF_INSTANCE, instance))),
});

/** One port of a workload. The key of queries on it is `<namespace>/<workload>/<port name>`. */
export interface InboundPort {
  readonly namespace: string;
  readonly workload: string;
  readonly port: string;
}

export function splitInbound(key: string): InboundPort {
  const [namespace = '', workload = '', port = ''] = key.split('/');
  return { namespace, workload, port };
}

/** The services that reach a port, the oldest first. */
function servicesOn(ctx: Ctx, { namespace, workload, port }: InboundPort): readonly Service[] {
  return ctx
    .get(SERVICES_OF_WORKLOAD, `${namespace}/${workload}`)
    .flatMap((key) => ctx.input(SERVICE, key) ?? [])
    .filter((service) => service.ports.some((p) => p.targetPort === port))
    .sort((a, b) => a.source.createdRevision - b.source.createdRevision);
}

/**
 * Protocol of an inbound port: what the oldest service that reaches it says, so that a later service cannot turn HTTP rules
 * off. Nobody can call a port without a service; it is taken for bytes.
 */
export const INBOUND_PROTOCOL = defineQuery<PortProtocol>({
  name: 'inbound-protocol',
  run: (ctx, key) => {
    const at = splitInbound(key);
    return servicesOn(ctx, at)[0]?.ports.find((p) => p.targetPort === at.port)?.protocol ?? 'tcp';
  },
});

/** Who may use a port. */
export interface Access {
  /** False when no policy has a say: any identity of the mesh may call. */
  readonly restricted: boolean;
  readonly allow: RbacInit | undefined;
  readonly deny: RbacInit | undefined;
  readonly tcpAllowed: readonly TcpPrincipal[] | undefined;
  readonly tcpDenied: readonly TcpPrincipal[];
}

/** Nobody: where a policy cannot be understood. */
export const CLOSED: Access = { restricted: true, allow: {}, deny: undefined, tcpAllowed: [], tcpDenied: [] };

/** Targets of everything that may have a say about a port, most specific first. */
export function inboundTargets(ctx: Ctx, at: InboundPort): readonly PolicyTarget[] {
  const ofServices = servicesOn(ctx, at).flatMap((value) => {
    const destination = { kind: 'Service' as const, key: `${value.namespace}/${value.name}`, value };
    return value.ports.filter((p) => p.targetPort === at.port).flatMap((port) => portTargets(destination, port));
  });
  const unique = new Map([...ofServices, ...outerTargets(at.namespace)].map((target) => [targetKey(target), target]));
  return [...unique.values()];
}

/** The same as `ACCESS`, and fails where a policy does. */
export const INBOUND_POLICIES = defineQuery<Access>({
  name: 'inbound-policies',
  run: (ctx, key) => {
    const at = splitInbound(key);
    return accessUnder(ctx, inboundTargets(ctx, at), { at, protocol: () => ctx.get(INBOUND_PROTOCOL, key) });
  },
  hash: initHash,
});

/** What the policies of some targets make of a port; fails where one of them does. */
export function accessUnder(
  ctx: Ctx,
  targets: readonly PolicyTarget[],
  { at, protocol }: { readonly at: InboundPort; readonly protocol: () => PortProtocol },
): Access {
  if (targets.some((target) => ctx.index(WITHHELD_BY_TARGET, targetKey(target)).length > 0)) return CLOSED;
  const context: InboundContext = {
    mesh: settingsOf(ctx).mesh,
    trustDomains: trustDomainsOf(meshOf(ctx)),
    namespace: at.namespace,
    workload: at.workload,
    protocol: protocol(),
    port: at.port,
  };
  const patches = applied(ctx, 'server', targets).map(
    ({ kind, contributions }) => kind.toInbound?.(kind.resolve(contributions), context) ?? {},
  );
  return joined(patches);
}

function joined(patches: readonly InboundPatch[]): Access {
  const lists = patches.flatMap((patch) => (patch.tcpAllowed ? [patch.tcpAllowed] : []));
  const restricting = patches.some((p) => p.allow ?? p.deny ?? p.tcpAllowed ?? p.tcpDenied);
  return {
    restricted: restricting,
    allow: joinedRules(patches.flatMap((patch) => patch.allow ?? [])),
    deny: joinedRules(patches.flatMap((patch) => patch.deny ?? [])),
    tcpAllowed: lists.length > 0 ? lists.flat() : undefined,
    tcpDenied: patches.flatMap((patch) => patch.tcpDenied ?? []),
  };
}

/** Rules of several kinds side by side; a name that is taken gets a number, so that none is lost. */
function joinedRules(rules: readonly NonNullable<InboundPatch['allow']>[]): RbacInit | undefined {
  if (rules.length === 0) return undefined;
  const policies: NonNullable<RbacInit['policies']> = {};
  for (const [i, rule] of rules.entries()) {
    for (const [name, policy] of Object.entries(rule.policies ?? {})) {
      policies[name in policies ? `${name}-${i}` : name] = policy;
    }
  }
  return { policies };
}

/**
 * Access to a port, by `<namespace>/<workload>/<port name>`. A policy that fails to compile closes the port: fails closed
 * for those it targets, and for them alone.
 */
export const ACCESS = defineQuery<Access>({
  name: 'access',
  run: (ctx, key) => {
    const policies = ctx.tryGet(INBOUND_POLICIES, key);
    return policies.ok ? policies.value : CLOSED;
  },
  hash: initHash,
});

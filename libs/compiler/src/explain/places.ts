/** Where policies meet, and what becomes of each of their fields there. */
import type { Ctx } from '#libs/incremental';
import {
  type Field,
  type Policy,
  type PolicyKind,
  type PolicySide,
  type PolicyTarget,
  type Route,
  type RouteRule,
  resourceKey,
  type ServicePort,
  type Source,
} from '#libs/model';
import { governing } from '../attachments.js';
import { type Destination, destinationOf, isHttp, portOf } from '../destinations.js';
import { INBOUND_PROTOCOL, inboundTargets, splitInbound } from '../inbound-ports.js';
import { initHash } from '../init-message.js';
import { INSTANCE, ROUTE } from '../inputs.js';
import { destinationKey, splitCell, splitClusterName } from '../names.js';
import { splitListeningAt } from '../outbound.js';
import { applied, portTargets, routeTargets, sideOf } from '../policies.js';
import { placesOf } from '../policy-conditions.js';
import { placeTargets } from '../proxy-patches.js';
import { timed } from '../route-actions.js';
import { rankedMatches } from '../route-matches.js';

/** What a policy can be part of. */
export type PolicyPart = 'route' | 'cluster' | 'inbound' | 'proxy';

/** A place where policies meet. */
export interface PolicyPlace {
  readonly part: PolicyPart;
  /** Most specific first. */
  readonly targets: readonly PolicyTarget[];
}

/** A field of a policy kind as it is in force, with who set it and who lost. */
export interface EffectiveField extends Field<unknown> {
  readonly kind: string;
  /** '' for kinds whose policies add up instead of being merged: then there is no value, and one entry a policy. */
  readonly field: string;
  /** The route rule says it itself, which beats every policy. */
  readonly overruled: boolean;
}

/** Where policies take part in a resource. */
export function placesOfResource(ctx: Ctx, cell: string): readonly PolicyPlace[] {
  const { query, key } = splitCell(cell);
  switch (query) {
    case 'cluster':
      return clusterPlaces(ctx, key);
    case 'routes':
      return tablePlaces(ctx, key);
    case 'port-routes':
      return portTablePlaces(ctx, key);
    case 'inbound-routes':
      return [{ part: 'inbound', targets: inboundTargets(ctx, splitInbound(key)) }];
    case 'inbound-listener':
      return [...listenerPlaces(ctx, key), ...proxyPlaces(ctx, key.slice(0, key.lastIndexOf('/')))];
    case 'outbound':
      return proxyPlaces(ctx, key);
    case 'port-listener':
      return [{ part: 'proxy', targets: placeTargets(ctx, splitListeningAt(key.split('|')[0] ?? '').place) }];
    default:
      return [];
  }
}

function clusterPlaces(ctx: Ctx, name: string): readonly PolicyPlace[] {
  const { destination: key, port: number } = splitClusterName(name);
  const destination = destinationOf(ctx, key);
  const port = destination && portOf(destination, number);
  return port ? [{ part: 'cluster', targets: portTargets(destination, port) }] : [];
}

function tablePlaces(ctx: Ctx, key: string): readonly PolicyPlace[] {
  const [name = '', caller = ''] = key.split('@');
  const destination = destinationOf(ctx, name);
  const ports = destination?.value.ports.filter(isHttp) ?? [];
  return destination ? ports.flatMap((port) => portPlaces(ctx, destination, port, caller)) : [];
}

function portTablePlaces(ctx: Ctx, key: string): readonly PolicyPlace[] {
  const [name = '', caller = ''] = key.split('@');
  const { destination: destinationName, port: number } = splitClusterName(name);
  const destination = destinationOf(ctx, destinationName);
  const port = destination && portOf(destination, number);
  return port ? portPlaces(ctx, destination, port, caller) : [];
}

function portPlaces(ctx: Ctx, destination: Destination, port: ServicePort, caller: string): readonly PolicyPlace[] {
  const outer = portTargets(destination, port);
  const ranked = rankedMatches(governing(ctx, destination, port, caller));
  if (ranked.length === 0) return [{ part: 'route', targets: outer }];
  const rules = new Map(ranked.map(({ rule, route }) => [rule, route]));
  return [...rules].map(([rule, route]) => ({ part: 'route', targets: [...routeTargets(route, rule), ...outer] }));
}

/** A TCP listener decides by itself who may connect; HTTP ones leave it to their routes. */
function listenerPlaces(ctx: Ctx, key: string): readonly PolicyPlace[] {
  const [namespace = '', instance = '', port = ''] = key.split('/');
  const workload = ctx.input(INSTANCE, destinationKey(namespace, instance))?.workload;
  if (workload === undefined) return [];
  const at = { namespace, workload, port };
  if (ctx.get(INBOUND_PROTOCOL, `${namespace}/${workload}/${port}`) !== 'tcp') return [];
  return [{ part: 'inbound', targets: inboundTargets(ctx, at) }];
}

/** What all listeners of a sidecar have. @param key `<namespace>/<instance>` */
function proxyPlaces(ctx: Ctx, key: string): readonly PolicyPlace[] {
  const instance = ctx.input(INSTANCE, key);
  if (!instance) return [];
  return [{ part: 'proxy', targets: placeTargets(ctx, destinationKey(instance.namespace, instance.workload)) }];
}

/** Where a policy meets others, whether or not it has a say there. */
export function placesOfPolicy(ctx: Ctx, policy: Policy): readonly PolicyPlace[] {
  const side = sideOf(ctx, resourceKey(policy.source)) ?? 'client';
  return [...placesOf(ctx, policy, side)].flatMap((targets): PolicyPlace[] => {
    if (side !== 'client') return [{ part: side === 'server' ? 'inbound' : 'proxy', targets }];
    const atRule = targets.some(({ level }) => level === 'RouteRule');
    if (atRule) return [{ part: 'route', targets }];
    const cluster = { part: 'cluster' as const, targets };
    return isGoverned(ctx, targets) ? [cluster] : [{ part: 'route', targets }, cluster];
  });
}

/** Whether routes stand for the port: then policies meet at their rules. */
function isGoverned(ctx: Ctx, targets: readonly PolicyTarget[]): boolean {
  const target = targets.find(({ level }) => level === 'ServicePort');
  const destination = target && destinationOf(ctx, destinationKey(target.namespace, target.name));
  const port = destination?.value.ports.find(({ name }) => name === target?.section);
  return destination !== undefined && port !== undefined && governing(ctx, destination, port, '').length > 0;
}

/** The rule that a place is, if it is one. */
export function ruleAt(ctx: Ctx, { targets }: PolicyPlace): { route: Route; rule: RouteRule } | undefined {
  const target = targets.find(({ level }) => level === 'RouteRule');
  const route = target && ctx.input(ROUTE, `${target.kind}/${target.namespace}/${target.name}`);
  const rule = route?.rules.find(({ name }) => name === target?.section);
  return route && rule && { route, rule };
}

const SIDE_OF_PART: Readonly<Record<PolicyPart, PolicySide>> = {
  route: 'client',
  cluster: 'client',
  inbound: 'server',
  proxy: 'proxy',
};

/** What policies make of a place, field by field; fields that play no part there are left out. */
export function effectiveAt(ctx: Ctx, place: PolicyPlace): readonly EffectiveField[] {
  const rule = ruleAt(ctx, place)?.rule;
  return applied(ctx, SIDE_OF_PART[place.part], place.targets).flatMap(({ kind, contributions }) =>
    fieldsOf(kind, kind.resolve(contributions), { part: place.part, rule }),
  );
}

interface Where {
  readonly part: PolicyPart;
  readonly rule: RouteRule | undefined;
}

function fieldsOf(kind: PolicyKind, effective: unknown, { part, rule }: Where): readonly EffectiveField[] {
  const patch = { route: kind.toRoute, cluster: kind.toCluster, inbound: kind.toInbound, proxy: kind.toProxy }[part];
  if (!patch) return [];
  const fields = Object.entries(effective ?? {}).filter((entry): entry is [string, Field<unknown>] =>
    isField(entry[1]),
  );
  if (fields.length === 0) return kind.contributors(effective).map((from) => whole(kind, from));
  /** Whether the field makes a difference to what is made of all of them. */
  const decides = (name: string, make: (effective: unknown) => unknown): boolean =>
    initHash(make(effective)) !== initHash(make({ ...(effective as object), [name]: undefined }));
  // Kinds that contribute to routes and clusters have fields for either.
  const isHere = (name: string): boolean =>
    part === 'inbound' ||
    part === 'proxy' ||
    !(kind.toRoute && kind.toCluster) ||
    decides(name, (all) => (part === 'route' ? kind.toRoute : kind.toCluster)?.(all));
  const inRule = (name: string, own: RouteRule | undefined): boolean =>
    decides(name, (all) => timed(own, kind.toRoute?.(all) ?? {}).action);
  return fields
    .filter(([name]) => isHere(name))
    .map(([field, found]) => ({
      ...{ kind: kind.kind, field, ...found },
      overruled: rule !== undefined && inRule(field, undefined) && !inRule(field, rule),
    }));
}

const whole = ({ kind }: PolicyKind, from: Source): EffectiveField => ({
  ...{ kind, field: '', value: undefined, from, shadowed: [], overruled: false },
});

const isField = (value: unknown): value is Field<unknown> =>
  typeof value === 'object' && value !== null && 'value' in value && 'from' in value && 'shadowed' in value;

/** Whether a policy is in force anywhere, and if not, what stands before it. */
import type { Ctx } from '#libs/incremental';
import { sortedUnique } from '#libs/kernel';
import { type Policy, type PolicySide, type PolicyTarget, printId, resourceKey, type Source } from '#libs/model';
import { governing } from './attachments.js';
import { type Destination, destinationOf, destinationsIn } from './destinations.js';
import { ALL, INSTANCES_BY_WORKLOAD, ROUTE } from './inputs.js';
import { settingsOf } from './mesh-settings.js';
import { destinationKey } from './names.js';
import { applied, mayTarget, portTargets, routeTargets, sideOf } from './policies.js';
import { backendProblem, placeTargets } from './proxy-patches.js';
import type { Condition } from './types.js';

const holds = (type: Condition['type'], reason: string, message: string): Condition => ({
  type,
  status: 'True',
  reason,
  message,
  details: [],
});

const fails = (type: Condition['type'], reason: string, message: string): Condition => ({
  type,
  status: 'False',
  reason,
  message,
  details: [{ path: '/spec/targetRef', code: reason.toLowerCase(), message, severity: 'warning' }],
});

export function policyConditions(ctx: Ctx, policy: Policy): readonly Condition[] {
  const missing = targetProblem(ctx, policy) ?? callProblem(ctx, policy);
  if (missing) return [missing];
  try {
    return [holds('Accepted', 'Accepted', 'It is in force'), effective(ctx, policy)];
  } catch (cause) {
    const message = `it cannot be compiled: ${cause instanceof Error ? cause.message : String(cause)}`;
    return [fails('Accepted', 'CompileFailed', message)];
  }
}

function targetProblem(ctx: Ctx, policy: Policy): Condition | undefined {
  const { target } = policy;
  if (!mayTarget(ctx, policy)) {
    const message = `${printId(target)} is in another namespace that grants ${policy.kind}s of ${policy.source.namespace} nothing`;
    return fails('Accepted', 'RefNotPermitted', message);
  }
  return targetExists(ctx, target)
    ? undefined
    : fails('Accepted', 'TargetNotFound', `there is no ${printTarget(target)}`);
}

/** The first port that it cannot make sidecars call. */
function callProblem(ctx: Ctx, { kind, spec, source }: Policy): Condition | undefined {
  const known = settingsOf(ctx).proxy.find((one) => one.kind === kind);
  for (const { path, backend } of known?.backends?.(spec, source.namespace) ?? []) {
    const problem = backendProblem(ctx, backend, source);
    if (!problem) continue;
    const { code, message } = problem;
    const condition = fails('Accepted', code, message);
    return { ...condition, details: condition.details.map((detail) => ({ ...detail, path })) };
  }
  return undefined;
}

const printTarget = (target: PolicyTarget): string =>
  target.section === '' ? printId(target) : `${target.section} of ${printId(target)}`;

function targetExists(ctx: Ctx, target: PolicyTarget): boolean {
  switch (target.level) {
    case 'Mesh':
    case 'Namespace':
    case 'Workload': // what runs needs no manifest
      return true;
    case 'Service':
    case 'ServicePort': {
      const destination = targetService(ctx, target);
      if (!destination) return false;
      return target.section === '' || destination.value.ports.some((port) => port.name === target.section);
    }
    case 'Route':
    case 'RouteRule': {
      const route = ctx.input(ROUTE, `${target.kind}/${target.namespace}/${target.name}`);
      return target.section === ''
        ? route !== undefined
        : (route?.rules.some((r) => r.name === target.section) ?? false);
    }
    case 'Gateway':
      return false;
  }
}

function targetService(ctx: Ctx, { kind, namespace, name }: PolicyTarget): Destination | undefined {
  const destination = destinationOf(ctx, destinationKey(namespace, name));
  return destination?.kind === kind ? destination : undefined;
}

/** A place where policies meet: their targets, most specific first. */
export type Place = readonly PolicyTarget[];

/** Effective unless, in every place it reaches, others set all of its fields. Without any place it waits for one. */
function effective(ctx: Ctx, policy: Policy): Condition {
  const side = sideOf(ctx, resourceKey(policy.source)) ?? 'client';
  const winners: Source[] = [];
  let reached = false;
  for (const place of placesOf(ctx, policy, side)) {
    const contributing = contributorsAt(ctx, policy, side, place);
    if (contributing.some((source) => isSame(source, policy.source))) {
      return holds('Effective', 'Effective', 'It contributes to what its targets get');
    }
    reached ||= contributing.length > 0;
    winners.push(...contributing);
  }
  if (!reached) return holds('Effective', 'NoTrafficYet', 'Nothing that it applies to exists yet');
  const names = sortedUnique(winners.map((source) => printId(source))).join(', ');
  return fails('Effective', 'Shadowed', `has no effect: shadowed by ${names}, more specific or older`);
}

const isSame = (a: Source, b: Source): boolean => a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;

function contributorsAt(ctx: Ctx, policy: Policy, side: PolicySide, place: Place): readonly Source[] {
  const here = applied(ctx, side, place).find(({ kind }) => kind.kind === policy.kind);
  return here ? here.kind.contributors(here.kind.resolve(here.contributions)) : [];
}

/** Every place that a policy reaches, as its targets. */
export function* placesOf(ctx: Ctx, policy: Policy, side: PolicySide): Generator<Place> {
  if (side === 'proxy') {
    const targets = ownPlace(ctx, policy.target);
    if (targets) yield targets;
    return;
  }
  const toCluster = settingsOf(ctx)[side].some((kind) => kind.kind === policy.kind && kind.toCluster !== undefined);
  for (const destination of reachedBy(ctx, policy.target)) {
    for (const port of destination.value.ports) {
      const outer = portTargets(destination, port);
      if (policy.target.level === 'ServicePort' && policy.target.section !== port.name) continue;
      const routes = side === 'client' ? governing(ctx, destination, port, routeNamespace(policy.target)) : [];
      for (const route of routes) {
        for (const rule of route.rules)
          if (concerns(policy.target, route, rule.name)) yield [...routeTargets(route, rule), ...outer];
      }
      if (!isRoute(policy.target) && (routes.length === 0 || toCluster)) yield outer;
    }
  }
}

/** Where a policy about proxies meets those of the same level and of wider ones; sidecars join and leave it. */
function ownPlace(ctx: Ctx, target: PolicyTarget): Place | undefined {
  const { level, namespace, name } = target;
  if (level === 'Mesh') return placeTargets(ctx, '');
  if (level === 'Namespace') return placeTargets(ctx, namespace);
  if (level === 'Workload') {
    const key = destinationKey(namespace, name);
    return ctx.index(INSTANCES_BY_WORKLOAD, key).length > 0 ? placeTargets(ctx, key) : undefined;
  }
  return [target, ...placeTargets(ctx, namespace)];
}

const isRoute = ({ level }: PolicyTarget): boolean => level === 'Route' || level === 'RouteRule';
const routeNamespace = (target: PolicyTarget): string => (isRoute(target) ? target.namespace : '');

const concerns = (
  target: PolicyTarget,
  route: { readonly kind: string; readonly namespace: string; readonly name: string },
  rule: string,
): boolean => {
  if (!isRoute(target)) return true;
  const same = target.kind === route.kind && target.namespace === route.namespace && target.name === route.name;
  return same && (target.level === 'Route' || target.section === rule);
};

function reachedBy(ctx: Ctx, target: PolicyTarget): readonly Destination[] {
  const all = (keys: readonly string[]): readonly Destination[] => keys.flatMap((key) => destinationOf(ctx, key) ?? []);
  switch (target.level) {
    case 'Mesh':
      return all(destinationsIn(ctx, ALL));
    case 'Namespace':
      return all(destinationsIn(ctx, target.namespace));
    case 'Service':
    case 'ServicePort':
      return all([destinationKey(target.namespace, target.name)]);
    case 'Route':
    case 'RouteRule': {
      const route = ctx.input(ROUTE, `${target.kind}/${target.namespace}/${target.name}`);
      return all((route?.parents ?? []).map((parent) => destinationKey(parent.namespace, parent.name)));
    }
    case 'Workload':
    case 'Gateway':
      return [];
  }
}

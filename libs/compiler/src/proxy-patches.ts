/** What policies about proxies make of a sidecar's listeners, and which sidecars can share them. */
import { type Ctx, defineQuery } from '#libs/incremental';
import { sortedUnique } from '#libs/kernel';
import type { BackendPort, PolicyTarget, ProxyContext, ProxyPatch, Source } from '#libs/model';
import { destinationOf, portOf } from './destinations.js';
import { SERVICES_OF_WORKLOAD } from './inbound-ports.js';
import { initHash, mergeInit } from './init-message.js';
import { PROXY_POLICIES_BY_TARGET, targetKey } from './inputs.js';
import { mayRefer, settingsOf } from './mesh-settings.js';
import { clusterName, destinationKey } from './names.js';
import { applied, outerTargets } from './policies.js';

/** What is made for every sidecar of a place. */
export interface ProxyPlan {
  readonly patch: ProxyPatch;
  /** Clusters that sidecars call for it by themselves, sorted. */
  readonly clusters: readonly string[];
  /** Equal for equal patches. */
  readonly id: string;
}

/** Nothing but what every sidecar has. */
export const PLAIN: ProxyPlan = { patch: {}, clusters: [], id: '' };

/** Everything in the mesh, a namespace, or `<namespace>/<workload>`. */
export const MESH_PLACE = '';

/** Targets under which the policies of a place are found, most specific first. */
export function placeTargets(ctx: Ctx, place: string): readonly PolicyTarget[] {
  const [namespace = '', workload] = place.split('/');
  if (place === MESH_PLACE) return outerTargets('').filter(({ level }) => level === 'Mesh');
  if (workload === undefined) return outerTargets(namespace);
  const services = ctx.get(SERVICES_OF_WORKLOAD, place).map((key): PolicyTarget => {
    const [of = '', name = ''] = key.split('/');
    return { level: 'Service', kind: 'Service', namespace: of, name, section: '' };
  });
  const own: PolicyTarget = { level: 'Workload', kind: 'Workload', namespace, name: workload, section: '' };
  return [own, ...services, ...outerTargets(namespace)];
}

/** Whether somebody says something about one of the targets. */
const isSpokenOf = (ctx: Ctx, targets: readonly PolicyTarget[]): boolean =>
  targets.some((target) => ctx.index(PROXY_POLICIES_BY_TARGET, targetKey(target)).length > 0);

/**
 * The widest place whose sidecars are all like those of a workload, by `<namespace>/<workload>`: so a mesh in which nobody
 * says anything, or only the mesh as a whole, has each shared listener once.
 */
export const PROXY_PLACE = defineQuery<string>({
  name: 'proxy-place',
  run: (ctx, key) => {
    const [own, ...outer] = placeTargets(ctx, key);
    const inner = [...(own ? [own] : []), ...outer.filter(({ level }) => level === 'Service')];
    const [namespace = ''] = key.split('/');
    const hasOwn = isSpokenOf(
      ctx,
      outerTargets(namespace).filter(({ level }) => level === 'Namespace'),
    );
    const shared = hasOwn && !isAlike(ctx, namespace, MESH_PLACE) ? namespace : MESH_PLACE;
    if (planOf(ctx, shared).patch.isNamed) return key;
    return isSpokenOf(ctx, inner) && !isAlike(ctx, key, shared) ? key : shared;
  },
});

/** What is said of a place need not be about listeners. */
function isAlike(ctx: Ctx, place: string, wider: string): boolean {
  const [one, other] = [planOf(ctx, place), planOf(ctx, wider)];
  return one.id === other.id && one.clusters.join(' ') === other.clusters.join(' ');
}

/** What applies in a place; see `planOf`. */
const PROXY_PLAN = defineQuery<ProxyPlan>({
  name: 'proxy-plan',
  hash: ({ id, clusters }) => `${id} ${clusters.join(' ')}`,
  run: (ctx, place) => {
    if (settingsOf(ctx).proxy.length === 0) return PLAIN;
    const called: string[] = [];
    // Who takes what sidecars tell does not tell itself of it, which would go on for ever.
    const own = place.includes('/') ? ctx.get(SERVICES_OF_WORKLOAD, place) : [];
    const context: ProxyContext = {
      workload: place.split('/')[1] ?? '',
      backend: (port, from) => {
        if (port.kind === 'Service' && own.includes(destinationKey(port.namespace, port.name))) return undefined;
        const found = backendOf(ctx, port, from);
        if (found) called.push(found.cluster);
        return found;
      },
    };
    let patch: ProxyPatch = {};
    for (const { kind, contributions } of applied(ctx, 'proxy', placeTargets(ctx, place)))
      patch = mergeInit(patch, kind.toProxy?.(kind.resolve(contributions), context));
    const clusters = sortedUnique(called);
    return Object.keys(patch).length === 0 ? PLAIN : { patch, clusters, id: initHash(patch) };
  },
});

/** What applies in a place. A policy that fails to compile is left out: what a sidecar tells never keeps it from working. */
export function planOf(ctx: Ctx, place: string): ProxyPlan {
  const plan = ctx.tryGet(PROXY_PLAN, place);
  return plan.ok ? plan.value : PLAIN;
}

/** The same for a workload, by `<namespace>/<workload>`. */
export const planOfWorkload = (ctx: Ctx, workload: string): ProxyPlan => planOf(ctx, ctx.get(PROXY_PLACE, workload));

/** Why a port that a policy names cannot be called. */
export function backendProblem(
  ctx: Ctx,
  port: BackendPort,
  from: Source,
): { readonly code: 'BackendNotFound' | 'RefNotPermitted'; readonly message: string } | undefined {
  const { kind, namespace, name } = port;
  const named = `${kind} ${namespace}/${name}`;
  if (!mayRefer(ctx, from, { kind, namespace, name }))
    return {
      code: 'RefNotPermitted',
      message: `${named} is in another namespace that grants ${from.kind}s of ${from.namespace} nothing`,
    };
  const destination = destinationOf(ctx, destinationKey(namespace, name));
  if (destination?.kind !== kind) return { code: 'BackendNotFound', message: `there is no ${named}` };
  return portOf(destination, port.port)
    ? undefined
    : { code: 'BackendNotFound', message: `${named} has no port ${port.port}` };
}

function backendOf(ctx: Ctx, port: BackendPort, from: Source): ReturnType<ProxyContext['backend']> {
  if (backendProblem(ctx, port, from)) return undefined;
  const key = destinationKey(port.namespace, port.name);
  const destination = destinationOf(ctx, key);
  const found = destination && portOf(destination, port.port);
  const [hostname = `${port.name}.${port.namespace}`] = destination?.value.hostnames ?? [];
  return found && { cluster: clusterName(key, port.port), protocol: found.protocol, authority: hostname };
}

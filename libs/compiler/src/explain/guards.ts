/** Who decides at the ports of a service who may call. */
import type { Ctx } from '#libs/incremental';
import { sortedUnique } from '#libs/kernel';
import { type PolicyTarget, resourceKey, type ServicePort, type Source } from '#libs/model';
import { type Destination, destinationOf, SELECTED } from '../destinations.js';
import { ACCESS, type Access, accessUnder, CLOSED, inboundTargets, portsOf } from '../inbound-ports.js';
import { INSTANCE } from '../inputs.js';
import { applied, portTargets } from '../policies.js';

export interface PortGuard {
  /** Its name. */
  readonly port: string;
  /**
   * - open: at some sidecar behind it every identity of the mesh may call, but for what is denied
   * - guarded: only what some policy allows may pass
   * - closed: nobody may call, since a policy there cannot be read or compiled
   */
  readonly state: 'open' | 'guarded' | 'closed';
  /** Policies in force where it is so, the most specific first: of an open port those that deny. */
  readonly by: readonly Source[];
}

/** As it is at the sidecars of a service; where there are none, as it would be. @param key `<namespace>/<name>` */
export function guardsOf(ctx: Ctx, key: string): readonly PortGuard[] {
  const destination = destinationOf(ctx, key);
  if (destination?.kind !== 'Service') return [];
  return destination.value.ports.map((port) => guardOf(ctx, destination, port));
}

interface GuardedPlace {
  readonly targets: readonly PolicyTarget[];
  readonly access: Access;
}

function guardOf(ctx: Ctx, destination: Destination, port: ServicePort): PortGuard {
  const places = placesBehind(ctx, destination, port);
  const states = new Set(places.map(({ access }) => stateOf(access)));
  const state = (['open', 'guarded'] as const).find((one) => states.has(one)) ?? 'closed';
  const sources = places
    .filter(({ access }) => stateOf(access) === state)
    .flatMap(({ targets }) => applied(ctx, 'server', targets))
    .flatMap(({ contributions }) => contributions.map(({ source }) => source));
  return { port: port.name, state, by: [...new Map(sources.map((one) => [resourceKey(one), one])).values()] };
}

/** Each workload that the port leads to, with what other services of that workload bring along. */
function placesBehind(ctx: Ctx, destination: Destination, port: ServicePort): readonly GuardedPlace[] {
  const { namespace } = destination.value;
  const { targetPort } = port;
  const workloads = ctx
    .get(SELECTED, destination.key)
    .filter((instance) => portsOf(ctx, instance).includes(targetPort))
    .flatMap((instance) => ctx.input(INSTANCE, instance)?.workload ?? []);
  if (workloads.length === 0) return [expected(ctx, destination, port)];
  return sortedUnique(workloads).map((workload) => ({
    targets: inboundTargets(ctx, { namespace, workload, port: targetPort }),
    access: ctx.get(ACCESS, `${namespace}/${workload}/${targetPort}`),
  }));
}

function expected(ctx: Ctx, destination: Destination, port: ServicePort): GuardedPlace {
  const targets = portTargets(destination, port);
  const { namespace, name } = destination.value;
  const at = { namespace, workload: name, port: port.targetPort };
  try {
    return { targets, access: accessUnder(ctx, targets, { at, protocol: () => port.protocol }) };
  } catch {
    // As in `ACCESS`: a policy that fails closes the port.
    return { targets, access: CLOSED };
  }
}

function stateOf(access: Access): PortGuard['state'] {
  if (access === CLOSED) return 'closed';
  return access.allow === undefined && access.tcpAllowed === undefined ? 'open' : 'guarded';
}

/** Where requests to a destination are decided on: its ports, the routes that govern them, and for whom. */
import {
  applied,
  clientPatch,
  type Destination,
  destinationOf,
  governing,
  isHttp,
  portTargets,
  type RankedMatch,
  rankedMatches,
  routeTargets,
  timed,
} from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import { sortedUnique } from '#libs/kernel';
import { idOf, type ResourceId, type Route, type RouteRule, resourceKey, type ServicePort } from '#libs/model';
import type { Look } from './types.js';

export interface Place {
  readonly destination: Destination;
  readonly port: ServicePort;
  /** Namespace of the callers; '' = those of no particular one. */
  readonly caller: string;
  /** In the order in which they are tried; empty = everything goes to the destination itself. */
  readonly matches: readonly RankedMatch[];
}

/** Every place of a destination. @param callers namespaces with routes that a plan concerns */
export function placesOf(ctx: Ctx, key: string, callers: readonly string[]): readonly Place[] {
  const destination = destinationOf(ctx, key);
  if (!destination) return [];
  const { namespace } = destination.value;
  return placesAt(ctx, destination, ['', ...callers.filter((caller) => caller !== namespace)]);
}

export const routingNamespaces = ({ resources }: Pick<Look, 'resources'>): readonly string[] =>
  sortedUnique(resources.filter(({ kind }) => isRoute(kind)).map(({ namespace }) => namespace));

function placesAt(ctx: Ctx, destination: Destination, callers: readonly string[]): readonly Place[] {
  return destination.value.ports.filter(isHttp).flatMap((port) => {
    const own = governing(ctx, destination, port, '');
    return callers.flatMap((caller): Place[] => {
      const routes = caller === '' ? own : governing(ctx, destination, port, caller);
      const isOwn = routes.every((route) => own.includes(route)) && routes.length === own.length;
      return caller !== '' && isOwn ? [] : [{ destination, port, caller, matches: rankedMatches(routes) }];
    });
  });
}

export const isRoute = (kind: string): boolean => kind === 'HTTPRoute' || kind === 'GRPCRoute';

/** What callers do with a request, as it comes out of rule, policies and defaults. Times in milliseconds, 0 = no limit. */
export interface Handling {
  readonly route: Route | undefined;
  readonly rule: RouteRule | undefined;
  readonly ruleIndex: number;
  readonly timeoutMs: number;
  readonly perTryMs: number;
  readonly retries: number;
  /** Envoy's list of conditions. */
  readonly retryOn: string;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** Who set the timeout, and the retries; empty for defaults. */
  readonly timeoutFrom: readonly ResourceId[];
  readonly retriesFrom: readonly ResourceId[];
}

/** One for each rule of a place, or one for a place without routes. */
export function handlings(ctx: Ctx, { destination, port, matches }: Place): readonly Handling[] {
  const outer = portTargets(destination, port);
  if (matches.length === 0) return [handling(ctx, undefined, outer)];
  const rules = new Map(matches.map((ranked) => [ranked.rule, ranked]));
  return [...rules.values()].map((ranked) =>
    handling(ctx, ranked, [...routeTargets(ranked.route, ranked.rule), ...outer]),
  );
}

type Targets = Parameters<typeof applied>[2];

function handling(ctx: Ctx, ranked: RankedMatch | undefined, targets: Targets): Handling {
  const policies = applied(ctx, 'client', targets);
  const { action } = timed(ranked?.rule, clientPatch(policies).route);
  const { retryPolicy = {} } = action;
  return {
    route: ranked?.route,
    rule: ranked?.rule,
    ruleIndex: ranked?.ruleIndex ?? 0,
    timeoutMs: milliseconds(action.timeout),
    perTryMs: milliseconds(retryPolicy.perTryTimeout),
    retries: numberOf(retryPolicy.numRetries),
    retryOn: retryPolicy.retryOn ?? '',
    backoffBaseMs: milliseconds(retryPolicy.retryBackOff?.baseInterval),
    backoffMaxMs: milliseconds(retryPolicy.retryBackOff?.maxInterval),
    ...origins(ranked, policies),
  };
}

/** A rule's own words beat every policy. */
function origins(
  ranked: RankedMatch | undefined,
  policies: ReturnType<typeof applied>,
): Pick<Handling, 'timeoutFrom' | 'retriesFrom'> {
  const own = ranked ? [idOf(ranked.route)] : [];
  return {
    timeoutFrom: ranked?.rule.timeoutMs === undefined ? sourcesOf(policies, 'timeout') : own,
    retriesFrom: ranked?.rule.retry === undefined ? sourcesOf(policies, 'retryPolicy') : own,
  };
}

/** Policies that contribute to what sets a field of the action. */
function sourcesOf(policies: ReturnType<typeof applied>, field: 'timeout' | 'retryPolicy'): readonly ResourceId[] {
  return policies.flatMap(({ kind, contributions }) => {
    const effective = kind.resolve(contributions);
    return kind.toRoute?.(effective).action?.[field] === undefined ? [] : kind.contributors(effective).map(idOf);
  });
}

/** Each once, in their first order. */
export const uniqueIds = (ids: readonly ResourceId[]): readonly ResourceId[] => [
  ...new Map(ids.map((id) => [resourceKey(id), idOf(id)])).values(),
];

/** Of a protobuf Duration. */
const milliseconds = (duration: { readonly seconds?: bigint; readonly nanos?: number } | undefined): number =>
  Number(duration?.seconds ?? 0n) * 1000 + (duration?.nanos ?? 0) / 1e6;

const numberOf = (value: number | { readonly value?: number } | undefined): number =>
  typeof value === 'number' ? value : (value?.value ?? 1);

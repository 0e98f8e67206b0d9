/** Requests that reach nobody: rules without any weight, services without a ready instance. */
import { destinationKey, ROUTABLE, ROUTE, SELECTED, SERVICE } from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import { flatMapped, pointer, sortedUnique } from '#libs/kernel';
import { type ResourceId, type Route, resourceKey } from '#libs/model';
import { isRoute } from './places.js';
import type { Check, FindingDraft } from './types.js';

const routesOf = (ctx: Ctx, resources: readonly ResourceId[]): readonly Route[] =>
  resources.filter(({ kind }) => isRoute(kind)).flatMap((id) => ctx.input(ROUTE, resourceKey(id)) ?? []);

export const withoutWeight: Check = ({ ctx, resources }) =>
  flatMapped(routesOf(ctx, resources), (route) =>
    route.rules.flatMap((rule, index): FindingDraft[] => {
      if (rule.redirect || rule.backends.some(({ weight }) => weight > 0)) return [];
      const why = rule.backends.length === 0 ? 'it names no backend' : 'every backend has weight 0';
      const message = `requests of rule ${rule.name} are answered with 500: ${why}`;
      const resource = { kind: route.kind, namespace: route.namespace, name: route.name };
      return [{ code: 'no-weight', resource, path: pointer('spec', 'rules', index, 'backendRefs'), message, by: [] }];
    }),
  );

export const withoutInstances: Check = function* ({ ctx, resources }) {
  const own = resources
    .filter(({ kind }) => kind === 'Service')
    .map(({ namespace, name }) => destinationKey(namespace, name));
  const told = new Set(own);
  const services = yield* flatMapped(own, (key) => serviceFindings(ctx, key), 1);
  const routes = yield* flatMapped(routesOf(ctx, resources), (route) => backendFindings(ctx, route, told), 1);
  return [...services, ...routes];
};

function serviceFindings(ctx: Ctx, key: string): readonly FindingDraft[] {
  const service = ctx.input(SERVICE, key);
  if (!service) return [];
  const message = unready(ctx, key);
  const resource = { kind: 'Service', namespace: service.namespace, name: service.name };
  return message === undefined ? [] : [{ code: 'no-ready-instance', resource, path: '', message, by: [] }];
}

/** @param told services that are reported themselves: what is wrong with all of them is not said twice */
function backendFindings(ctx: Ctx, route: Route, told: ReadonlySet<string>): readonly FindingDraft[] {
  const resource = { kind: route.kind, namespace: route.namespace, name: route.name };
  return route.rules.flatMap((rule, r) =>
    rule.backends.flatMap(({ kind, namespace, name, subset, weight }, b): FindingDraft[] => {
      const service = destinationKey(namespace, name);
      if (kind !== 'Service' || weight === 0 || (told.has(service) && subset === '')) return [];
      const known = ctx.input(SERVICE, service);
      const isThere = known && (subset === '' || known.subsets.some((one) => one.name === subset));
      const message = isThere ? unready(ctx, subset === '' ? service : `${service}/${subset}`) : undefined;
      if (message === undefined) return [];
      const path = pointer('spec', 'rules', r, 'backendRefs', b);
      return [{ code: 'no-ready-instance', resource, path, message, by: [] }];
    }),
  );
}

/** @param key `<namespace>/<service>[/<subset>]` */
function unready(ctx: Ctx, key: string): string | undefined {
  const instances = sortedUnique(ctx.get(SELECTED, key));
  if (instances.some((instance) => ctx.input(ROUTABLE, instance) === true)) return undefined;
  if (instances.length === 0) return `${key} has no instance: requests to it fail with 503 until one has joined`;
  return `none of the ${instances.length} instances of ${key} is ready: requests to it fail with 503`;
}

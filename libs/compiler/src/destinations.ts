/** Services and external services as callers see them, who answers for them, and under which names. */
import { type Ctx, defineQuery } from '#libs/incremental';
import { compareCodeUnits, sortedUnique } from '#libs/kernel';
import type { ExternalService, InstanceSpec, Service, ServicePort } from '#libs/model';
import {
  ALL,
  EXTERNAL,
  EXTERNALS_BY_HOSTNAME,
  EXTERNALS_IN,
  INSTANCE,
  INSTANCES_BY_LABEL,
  labelPair,
  leadingPair,
  ROUTES_BY_SUBSET,
  SERVICE,
  SERVICES_BY_HOSTNAME,
  SERVICES_BY_SELECTOR,
  SERVICES_IN,
} from './inputs.js';
import { meshOf, settingsOf, trustDomainsOf } from './mesh-settings.js';
import { destinationKey, meshAlias, namespaceAlias, nobody, spiffeIdOf } from './names.js';

/** What a caller can call. A service and an external service share their names; the service wins. */
export type Destination = { readonly key: string } & (
  | { readonly kind: 'Service'; readonly value: Service }
  | { readonly kind: 'ExternalService'; readonly value: ExternalService }
);

export function destinationOf(ctx: Ctx, key: string): Destination | undefined {
  const service = ctx.input(SERVICE, key);
  if (service) return { key, kind: 'Service', value: service };
  const external = ctx.input(EXTERNAL, key);
  return external && { key, kind: 'ExternalService', value: external };
}

export const portOf = (destination: Destination, port: number): ServicePort | undefined =>
  destination.value.ports.find((p) => p.port === port);

export const isHttp = (port: ServicePort): boolean => port.protocol !== 'tcp';
/** Callers speak HTTP/2 to these ports without TLS; they get an address of their own. */
export const isHttp2 = (port: ServicePort): boolean => port.protocol === 'http2' || port.protocol === 'grpc';

/** Keys of all destinations of a namespace, or of the mesh (`ALL`). */
export const destinationsIn = (ctx: Ctx, namespace: string = ALL): readonly string[] =>
  sortedUnique([...ctx.index(SERVICES_IN, namespace), ...ctx.index(EXTERNALS_IN, namespace)]);

/** Names of the subsets that some route names: only these get clusters. */
export const subsetsInUse = (ctx: Ctx, destination: Destination): readonly string[] =>
  destination.kind === 'Service'
    ? sortedUnique(destination.value.subsets.map((s) => s.name)).filter(
        (name) => ctx.index(ROUTES_BY_SUBSET, `${destination.key}/${name}`).length > 0,
      )
    : [];

const matches = (labels: Readonly<Record<string, string>>, selector: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

/**
 * Keys of the instances that a service selects, by `<namespace>/<service>` or, for a subset, with `/<subset>`. Only
 * instances of the service's namespace, by granted labels: nobody joins a service uninvited (SEC-13).
 */
export const SELECTED = defineQuery<readonly string[]>({
  name: 'selected-instances',
  run: (ctx, key) => {
    const [namespace = '', name = '', subset = ''] = key.split('/');
    const service = ctx.input(SERVICE, destinationKey(namespace, name));
    const wanted = subset === '' ? {} : service?.subsets.find((s) => s.name === subset)?.labels;
    const pair = service && leadingPair(service.selector);
    if (!pair || !wanted) return [];
    return ctx.index(INSTANCES_BY_LABEL, labelPair(namespace, pair)).filter((instance) => {
      const labels = ctx.input(INSTANCE, instance)?.labels;
      return labels !== undefined && matches(labels, service.selector) && matches(labels, wanted);
    });
  },
});

/** Keys of the services that select an instance, by `<namespace>/<instance>`, in code-unit order. */
export const SERVICES_OF_INSTANCE = defineQuery<readonly string[]>({
  name: 'services-of-instance',
  run: (ctx, key) => {
    const instance = ctx.input(INSTANCE, key);
    if (!instance) return [];
    const candidates = Object.entries(instance.labels).flatMap((pair) =>
      ctx.index(SERVICES_BY_SELECTOR, labelPair(instance.namespace, pair)),
    );
    return sortedUnique(candidates).filter((service) => {
      const selector = ctx.input(SERVICE, service)?.selector;
      return selector !== undefined && matches(instance.labels, selector);
    });
  },
});

/**
 * SPIFFE ids of the workloads that a service selects, by `<namespace>/<service>[/<subset>]`; never empty, because an empty
 * list of names accepts everybody. A selector that names its workload says the id by itself, so the first instance that
 * comes and the last that goes change no cluster; other selectors are answered by the registered instances.
 */
export const IDENTITIES = defineQuery<readonly string[]>({
  name: 'identities',
  run: (ctx, key) => {
    const domains = trustDomainsOf(meshOf(ctx));
    const [namespace = '', name = ''] = key.split('/');
    const named = ctx.input(SERVICE, destinationKey(namespace, name))?.selector['workload'];
    const workloads = named === undefined ? selectedWorkloads(ctx, key) : [named];
    if (workloads.length === 0) return domains.map(nobody);
    return workloads.flatMap((workload) => domains.map((domain) => spiffeIdOf(domain, namespace, workload)));
  },
});

const selectedWorkloads = (ctx: Ctx, key: string): readonly string[] =>
  sortedUnique(
    ctx
      .get(SELECTED, key)
      .map((instance) => ctx.input(INSTANCE, instance))
      .filter((instance): instance is InstanceSpec => instance !== undefined)
      .map((instance) => instance.workload),
  );

/** Who claims a hostname, the oldest first; names given by `<service>.<namespace>` belong to that service alone. */
export function hostnameOwner(ctx: Ctx, hostname: string): string | undefined {
  const { mesh } = settingsOf(ctx);
  const generated = generatedOwner(hostname, mesh);
  if (generated !== undefined && destinationOf(ctx, generated)) return generated;
  const claims = [...ctx.index(SERVICES_BY_HOSTNAME, hostname), ...ctx.index(EXTERNALS_BY_HOSTNAME, hostname)].flatMap(
    (key) => destinationOf(ctx, key) ?? [],
  );
  const byAge = (a: Destination, b: Destination): number =>
    a.value.source.createdRevision - b.value.source.createdRevision || compareCodeUnits(a.key, b.key);
  return claims.filter((claim) => claim.value.hostnames.includes(hostname)).sort(byAge)[0]?.key;
}

function generatedOwner(hostname: string, mesh: string): string | undefined {
  const [name = '', namespace = '', ...rest] = hostname.split('.');
  const isGenerated = rest.length === 0 || (rest.length === 2 && rest[0] === mesh && rest[1] === 'mesh');
  return isGenerated && namespace !== '' ? destinationKey(namespace, name) : undefined;
}

/**
 * Names of a destination that mean it in the whole mesh, sorted. Two scopes with one key make Envoy refuse the whole
 * update, so a hostname that somebody else owns is left out. A hostname without a dot would compete with the short
 * names of every namespace, so it counts in none (SEC-48).
 */
export const ALIASES = defineQuery<readonly string[]>({
  name: 'aliases',
  run: (ctx, key) => {
    const destination = destinationOf(ctx, key);
    if (!destination) return [];
    const { namespace, name, hostnames } = destination.value;
    const owned = hostnames.filter((hostname) => hostname.includes('.') && hostnameOwner(ctx, hostname) === key);
    return sortedUnique([namespaceAlias(namespace, name), meshAlias(settingsOf(ctx).mesh, namespace, name), ...owned]);
  },
});

/** What policies about proxies make of how the statistics of sidecars are read, which no Envoy is told. */
import type { Ctx } from '#libs/incremental';
import type { Steps } from '#libs/kernel';
import type { InstanceSpec, MetricsPatch } from '#libs/model';
import { SERVICES_OF_INSTANCE } from './destinations.js';
import { INSTANCE } from './inputs.js';
import { settingsOf } from './mesh-settings.js';
import { destinationKey } from './names.js';
import { applied } from './policies.js';
import { placeTargets } from './proxy-patches.js';

/** How the statistics of one sidecar are read. */
export interface Scraping {
  /** Labels of its series, by name. */
  readonly tags: Readonly<Record<string, string>>;
  /** Which of them are read; undefined = all. */
  readonly detail: string | undefined;
}

type Scraped = Pick<InstanceSpec, 'namespace' | 'workload' | 'labels'>;

/** @returns for any instance of the mesh as the context has it; what is alike is found once */
export function scrapingIn(ctx: Ctx): (instance: Scraped) => Scraping {
  const found = new Map<string, MetricsPatch>();
  return ({ namespace, workload, labels }) => {
    const key = destinationKey(namespace, workload);
    const patch = found.get(key) ?? metricsOf(ctx, key);
    found.set(key, patch);
    return { tags: tagsOf(patch, labels), detail: patch.detail };
  };
}

/** Tags that all instances of a workload, or of a service, have alike, by `<namespace>/<name>`; those without any are left out. */
export interface SharedTags {
  readonly workloads: Readonly<Record<string, Scraping['tags']>>;
  readonly services: Readonly<Record<string, Scraping['tags']>>;
}

/** So many instances cost about a millisecond. */
const PIECE = 64;

/** @param instances `<namespace>/<name>`; of one that goes meanwhile there is nothing */
export function* sharedTags(ctx: Ctx, instances: readonly string[]): Steps<SharedTags> {
  const read = scrapingIn(ctx);
  const found: { readonly key: string; readonly instance: InstanceSpec; readonly tags: Scraping['tags'] }[] = [];
  for (const [index, key] of instances.entries()) {
    if (index % PIECE === PIECE - 1) yield;
    const instance = ctx.input(INSTANCE, key);
    if (instance) found.push({ key, instance, tags: read(instance).tags });
  }
  // Most meshes have none.
  if (found.every(({ tags }) => Object.keys(tags).length === 0)) return { workloads: {}, services: {} };
  const [workloads, services] = [new Map<string, Scraping['tags']>(), new Map<string, Scraping['tags']>()];
  for (const [index, { key, instance, tags }] of found.entries()) {
    if (index % PIECE === PIECE - 1) yield;
    share(workloads, destinationKey(instance.namespace, instance.workload), tags);
    for (const service of ctx.get(SERVICES_OF_INSTANCE, key)) share(services, service, tags);
  }
  return { workloads: tagged(workloads), services: tagged(services) };
}

function share(all: Map<string, Scraping['tags']>, key: string, tags: Scraping['tags']): void {
  const known = all.get(key);
  const alike = known && Object.entries(known).filter(([name, value]) => tags[name] === value);
  all.set(key, alike ? Object.fromEntries(alike) : tags);
}

const tagged = (all: ReadonlyMap<string, Scraping['tags']>): Readonly<Record<string, Scraping['tags']>> =>
  Object.fromEntries([...all].filter(([, tags]) => Object.keys(tags).length > 0));

function metricsOf(ctx: Ctx, workload: string): MetricsPatch {
  if (!settingsOf(ctx).proxy.some(({ toMetrics }) => toMetrics !== undefined)) return {};
  let patch: MetricsPatch = {};
  for (const { kind, contributions } of applied(ctx, 'proxy', placeTargets(ctx, workload)))
    patch = { ...patch, ...kind.toMetrics?.(kind.resolve(contributions)) };
  return patch;
}

function tagsOf({ tags = [] }: MetricsPatch, labels: Readonly<Record<string, string>>): Scraping['tags'] {
  const told = tags.map(({ name, value }) => [name, 'literal' in value ? value.literal : (labels[value.label] ?? '')]);
  // To Prometheus an empty label is none.
  return Object.fromEntries(told.filter(([, value]) => value !== ''));
}

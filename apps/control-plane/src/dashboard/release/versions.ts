/** Which versions of services run side by side, by the label `version` of their instances. */
import { z } from 'zod';
import { printId } from '#libs/model';
import type { InstanceRow, StoredResource } from '#libs/store';
import type { VersionedService, VersionView } from './release.view.js';

const backend = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  subset: z.string().optional(),
  weight: z.number().default(1),
});
const routeSchema = z.object({ rules: z.array(z.object({ backendRefs: z.array(backend).default([]) })).default([]) });
const subsetsSchema = z.object({
  subsets: z.array(z.object({ name: z.string(), labels: z.record(z.string(), z.string()) })).default([]),
});

type Ref = Pick<StoredResource, 'namespace' | 'name'>;

/** The last rule counts: those before it are for some requests only. */
function splitOf(route: StoredResource, service: Ref): ReadonlyMap<string, number> | undefined {
  const parsed = routeSchema.safeParse(route.spec);
  const rule = parsed.success ? parsed.data.rules.at(-1) : undefined;
  const refs = (rule?.backendRefs ?? []).filter(
    (ref) => ref.name === service.name && (ref.namespace ?? route.namespace) === service.namespace && ref.subset,
  );
  const sum = refs.reduce((all, { weight }) => all + weight, 0);
  if (sum === 0) return undefined;
  return new Map(refs.map(({ subset = '', weight }) => [subset, Math.round((weight / sum) * 100)]));
}

export function versionsOf(
  service: StoredResource,
  instances: readonly Pick<InstanceRow, 'labels' | 'routable'>[],
  routes: readonly StoredResource[],
): VersionedService {
  const { namespace, name } = service;
  const route = routes.find((one) => splitOf(one, service) !== undefined);
  const split = route && splitOf(route, service);
  const parsed = subsetsSchema.safeParse(service.spec);
  const subsets = parsed.success ? parsed.data.subsets : [];
  const groups = Map.groupBy(instances, ({ labels }) => labels['version'] ?? '');
  const versions = [...groups].map(([version, rows]): VersionView => {
    const subset = subsets.find(({ labels }) => labels['version'] === version)?.name;
    return {
      ...{ version, total: rows.length, ready: rows.filter(({ routable }) => routable).length },
      weight: split && subset !== undefined ? (split.get(subset) ?? 0) : undefined,
    };
  });
  versions.sort((a, b) => a.version.localeCompare(b.version));
  return { namespace, name, versions, route: route && printId(route) };
}

/** Reads a mesh for the pages of the dashboard, cut to what the reader may see. */
import type { AccessControl, ApiDeps, Principal } from '#libs/api';
import { toPorts } from '#libs/model';
import type { InstanceRow, StoredResource } from '#libs/store';
import type { InstanceView, PortView, ServiceRow } from './catalogue.view.js';

/** Rows of one look at the store. */
const PAGE = 500;

export interface Reading {
  readonly deps: ApiDeps;
  readonly access: AccessControl;
  readonly caller: Principal | undefined;
  readonly mesh: string;
}

/** Every resource of a kind that the reader may see. @throws StoreUnavailable */
export async function resourcesOf({ deps, access, caller, mesh }: Reading, kind: string): Promise<StoredResource[]> {
  const found: StoredResource[] = [];
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await deps.store.resources.list({ mesh, kind, limit: PAGE, ...(cursor ? { cursor } : {}) });
    found.push(...page.items.filter((row) => access.may(caller, 'list', mesh, row)));
    cursor = page.cursor;
  }
  return found;
}

/** Every instance that the reader may see. @throws StoreUnavailable */
export async function instancesOf({ deps, access, caller, mesh }: Reading): Promise<readonly InstanceRow[]> {
  const rows = await deps.store.instances.list(mesh);
  return rows.filter(({ namespace, name, labels }) =>
    access.may(caller, 'list', mesh, { kind: 'Instance', namespace, name, labels }),
  );
}

interface ServiceSpec {
  readonly ports?: Parameters<typeof toPorts>[0];
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly dependencies?: readonly string[];
}

/** The store parsed it when it was written: only the members that are read here are named. */
const specOf = ({ spec }: StoredResource): ServiceSpec => spec;

/** Instances by namespace, so that a service looks at those of its own only. */
export function byNamespace(instances: readonly InstanceRow[]): ReadonlyMap<string, readonly InstanceRow[]> {
  return Map.groupBy(instances, ({ namespace }) => namespace);
}

/** Those that a service selects: by its selector, else those of the workload of its name. */
export function selected(
  service: StoredResource,
  instances: ReadonlyMap<string, readonly InstanceRow[]>,
): readonly InstanceRow[] {
  const wanted = Object.entries(specOf(service).selector?.matchLabels ?? { workload: service.name });
  const own = instances.get(service.namespace) ?? [];
  return own.filter(({ labels }) => wanted.every(([name, value]) => labels[name] === value));
}

export const dependenciesOf = (service: StoredResource): string[] =>
  (specOf(service).dependencies ?? []).map((name) => (name.includes('/') ? name : `${service.namespace}/${name}`));

const portsOf = (service: StoredResource): PortView[] =>
  toPorts(specOf(service).ports ?? []).map(({ name, port, protocol }) => ({ name, port, protocol }));

export function serviceRow(
  { access, caller, mesh }: Reading,
  service: StoredResource,
  instances: readonly InstanceRow[],
): ServiceRow {
  const { namespace, name, labels, updatedRevision, updatedAt } = service;
  return {
    ...{ namespace, name, labels, updatedAt, revision: updatedRevision },
    ports: portsOf(service),
    total: instances.length,
    ready: instances.filter(({ routable }) => routable).length,
    dependencies: dependenciesOf(service),
    mine: access.may(caller, 'update', mesh, service),
  };
}

/** @throws StoreUnavailable */
export async function serviceRows(reading: Reading): Promise<ServiceRow[]> {
  const [services, instances] = await Promise.all([resourcesOf(reading, 'Service'), instancesOf(reading)]);
  const known = byNamespace(instances);
  return services.map((service) => serviceRow(reading, service, selected(service, known)));
}

export const instanceView = (row: InstanceRow): InstanceView => ({
  ...{ namespace: row.namespace, name: row.name, workload: row.workload, labels: row.labels },
  ...{ address: row.advertised, zone: row.locality.zone, ready: row.routable, leaving: row.leaving },
  ...{ connected: row.attached.length > 0, envoyVersion: row.envoyVersion },
});

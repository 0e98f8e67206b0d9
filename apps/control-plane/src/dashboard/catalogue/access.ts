/** Who may call services, as the sidecars decide it. */
import type { ServiceGuards } from '#libs/changes';
import type { Reading } from './catalogue.js';
import type { PortAccess, Ref } from './catalogue.view.js';
import { admits } from './concerns.js';

/**
 * Who decides at the ports of services, by `<namespace>/<name>`.
 * @param service default: all of the mesh
 * @returns undefined as long as this replica has not compiled the mesh
 */
export async function guardsIn(
  { deps, mesh }: Reading,
  service?: Ref,
): Promise<ReadonlyMap<string, ServiceGuards> | undefined> {
  const key = service && `${service.namespace}/${service.name}`;
  const found = await deps.explain.guards(mesh, key);
  return found.ok ? found.value.services : undefined;
}

/** @throws StoreUnavailable */
export async function accessTo(reading: Reading, service: Ref): Promise<readonly PortAccess[] | undefined> {
  const guards = (await guardsIn(reading, service))?.get(`${service.namespace}/${service.name}`);
  return guards && Promise.all(guards.map((guard) => portAccess(reading, guard)));
}

async function portAccess(
  { deps, access, caller, mesh }: Reading,
  { port, state, by }: ServiceGuards[number],
): Promise<PortAccess> {
  const rows = await Promise.all(by.map((id) => deps.store.resources.get(mesh, id.kind, id.namespace, id.name)));
  const shown = rows.flatMap((row) => (row && access.may(caller, 'get', mesh, row) ? [row] : []));
  return {
    ...{ port, state, policies: by.length, hidden: by.length - shown.length },
    callers: [...new Set(shown.flatMap(({ spec }) => admits(spec) ?? []))].sort(),
  };
}

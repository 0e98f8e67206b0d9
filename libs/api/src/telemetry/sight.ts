import type { Labels } from '#libs/model';
import type { Resources } from '#libs/store';
import type { Sight } from '#libs/telemetry';
import type { AccessControl } from '../access/access-control.js';
import type { Principal } from '../http.js';

const PAGE = 500;

/** Of all services of the mesh, by `<namespace>/<name>`: rights may depend on them. */
async function labelsOfServices(
  resources: Pick<Resources, 'list'>,
  mesh: string,
): Promise<ReadonlyMap<string, Labels>> {
  const labels = new Map<string, Labels>();
  for (let cursor: string | undefined; ; ) {
    const page = await resources.list({ mesh, kind: 'Service', limit: PAGE, cursor });
    for (const item of page.items) labels.set(`${item.namespace}/${item.name}`, item.labels);
    cursor = page.cursor;
    if (cursor === undefined) return labels;
  }
}

/**
 * What a caller may know of traffic: a service by the right to read it, what calls, and instances, by the right to read
 * proxies where they are.
 */
export async function sightOf(
  { access, resources }: { readonly access: AccessControl; readonly resources: Pick<Resources, 'list'> },
  caller: Principal | undefined,
  mesh: string,
): Promise<Sight> {
  const rights = access.rightsOf(caller);
  const isBySelector = rights.grants.some(({ labels }) => Object.keys(labels).length > 0);
  const labels = isBySelector ? await labelsOfServices(resources, mesh) : new Map<string, Labels>();
  const known = new Map<string, boolean>();
  const may = (kind: string, namespace: string, name: string): boolean => {
    const key = `${kind} ${namespace} ${name}`;
    const found =
      known.get(key) ??
      access.may(caller, 'get', mesh, {
        ...{ kind, namespace, name },
        ...(kind === 'Service' ? { labels: labels.get(`${namespace}/${name}`) } : {}),
      });
    known.set(key, found);
    return found;
  };
  return {
    service: (namespace, name) => may('Service', namespace, name),
    workload: (namespace, name) => may('Proxy', namespace, name),
    instance: (namespace, name) => may('Proxy', namespace, name),
  };
}

import type { Delivery } from '#libs/changes';
import { parseNodeId } from '#libs/kernel';
import { type Labels, type ResourceId, resourceKey } from '#libs/model';
import type { History, HistoryEntry, HistoryQuery } from '#libs/store';
import type { Principal } from '../http.js';
import type { VisibleDelivery, VisibleEntry } from '../views.js';
import type { AccessControl, Seen } from './access-control.js';

const labelsOf = (document: unknown): Labels => {
  if (typeof document !== 'object' || document === null || !('metadata' in document)) return {};
  const { metadata } = document;
  if (typeof metadata !== 'object' || metadata === null || !('labels' in metadata)) return {};
  return (metadata.labels ?? {}) as Labels;
};

const namespacesOf = (document: unknown): readonly string[] => {
  const { spec } = document as { readonly spec?: { readonly namespaces?: readonly string[] } };
  return spec?.namespaces ?? [];
};

/** A resource as it was is for who may read such: with the labels that it had, and for what it was bound to. */
export const asItWas = ({ kind, namespace, name }: ResourceId, document: unknown): Seen => ({
  ...{ kind, namespace, name, labels: labelsOf(document) },
  ...(kind === 'RoleBinding' ? { boundTo: namespacesOf(document) } : {}),
});

/** What a past change did to one resource is for who may read the resource as it was and as it became. */
export function sides(item: ResourceId & { readonly before: unknown; readonly after: unknown }): readonly Seen[] {
  const states = [item.before, item.after].filter((state) => state !== null && state !== undefined);
  return states.map((state) => asItWas(item, state));
}

/** Pages that are read for one answer: a caller who may see little finds his own, and nobody reads a million. */
const MOST_PAGES = 20;

/**
 * Changes with what the caller may read of them; one of which he may read nothing is left out with its message. When a
 * resource is asked for, so is one that he may not read that resource in.
 */
export async function visibleHistory(
  access: AccessControl,
  caller: Principal | undefined,
  query: HistoryQuery,
  history: Pick<History, 'list'>,
): Promise<VisibleEntry[]> {
  const found: VisibleEntry[] = [];
  const asked = query.resource && resourceKey(query.resource);
  const isAsked = ({ items }: VisibleEntry) => asked === undefined || items.some((item) => resourceKey(item) === asked);
  let { before } = query;
  for (let page = 0; page < MOST_PAGES && found.length < query.limit; page += 1) {
    const entries = await history.list({ ...query, before });
    found.push(...entries.flatMap((entry) => visibleEntry(access, caller, query.mesh, entry)).filter(isAsked));
    before = entries.at(-1)?.revision;
    if (entries.length < query.limit) break;
  }
  return found.slice(0, query.limit);
}

/** None of which the caller may read nothing. */
export function visibleEntry(
  access: AccessControl,
  caller: Principal | undefined,
  mesh: string,
  entry: HistoryEntry,
): VisibleEntry[] {
  const { shown, hidden } = access.visible(caller, mesh, entry.items, sides);
  if (shown.length === 0 && hidden > 0) return [];
  return [hidden === 0 ? entry : { ...entry, items: shown, hidden }];
}

/** Numbers are of all proxies; names, and Envoy's words, are of those that the caller may read. */
export function visibleDelivery(
  access: AccessControl,
  caller: Principal | undefined,
  mesh: string,
  delivery: Delivery,
): VisibleDelivery {
  const seen = ({ proxy: node }: { readonly proxy: string }): Seen => {
    const proxy = parseNodeId(node);
    return { kind: 'Proxy', namespace: proxy?.namespace ?? '', name: proxy?.instance ?? node };
  };
  const refused = access.visible(caller, mesh, delivery.refused, seen);
  const behind = access.visible(caller, mesh, delivery.behind, seen);
  const hidden = refused.hidden + behind.hidden;
  return { ...delivery, refused: refused.shown, behind: behind.shown, ...(hidden === 0 ? {} : { hidden }) };
}

import { parseNodeId } from '#libs/kernel';
import type { Labels } from '#libs/model';
import type { HistoryEntry, Resources } from '#libs/store';
import type { Principal } from '../http.js';
import type { ChangeProgress } from '../ports.js';
import type { AccessControl, Seen } from './access-control.js';

/** An entry without what the caller may not read. */
export type VisibleEntry = HistoryEntry & {
  /** Further resources of the change: "and 14 others". Absent = none. */
  readonly hidden?: number;
};

const labelsOf = (document: unknown): Labels => {
  if (typeof document !== 'object' || document === null || !('metadata' in document)) return {};
  const { metadata } = document;
  if (typeof metadata !== 'object' || metadata === null || !('labels' in metadata)) return {};
  return (metadata.labels ?? {}) as Labels;
};

/** What a past change did to one resource is for who may read the resource as it was and as it became. */
function sides(item: HistoryEntry['items'][number]): readonly Seen[] {
  const { kind, namespace, name, before, after } = item;
  const states = [before, after].filter((state) => state !== null && state !== undefined);
  return states.map((state) => ({ kind, namespace, name, labels: labelsOf(state) }));
}

/** Pages that are read for one answer: a caller who may see little finds his own, and nobody reads a million. */
const MOST_PAGES = 20;

/** Changes with what the caller may read of them; one of which he may read nothing is left out with its message. */
export async function visibleHistory(
  access: AccessControl,
  caller: Principal | undefined,
  query: Parameters<Resources['history']>[0],
  resources: Pick<Resources, 'history'>,
): Promise<VisibleEntry[]> {
  const found: VisibleEntry[] = [];
  let { before } = query;
  for (let page = 0; page < MOST_PAGES && found.length < query.limit; page += 1) {
    const entries = await resources.history({ ...query, before });
    found.push(...entries.flatMap((entry) => visibleEntry(access, caller, query.mesh, entry)));
    before = entries.at(-1)?.revision;
    if (entries.length < query.limit) break;
  }
  return found.slice(0, query.limit);
}

function visibleEntry(
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
export function visibleProgress(
  access: AccessControl,
  caller: Principal | undefined,
  mesh: string,
  progress: ChangeProgress,
): ChangeProgress & { readonly hidden?: number } {
  const seen = (node: string): Seen => {
    const proxy = parseNodeId(node);
    return { kind: 'Proxy', namespace: proxy?.namespace ?? '', name: proxy?.instance ?? node };
  };
  const refused = access.visible(caller, mesh, progress.refused, ({ proxy }) => seen(proxy));
  const behind = access.visible(caller, mesh, progress.behind, seen);
  const hidden = refused.hidden + behind.hidden;
  return { ...progress, refused: refused.shown, behind: behind.shown, ...(hidden === 0 ? {} : { hidden }) };
}

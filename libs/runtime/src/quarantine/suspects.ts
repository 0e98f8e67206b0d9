import type { Suspect } from '#libs/changes';
import { type ResourceId, resourceKey } from '#libs/model';
import type { FormerRevision, Quarantines } from '#libs/store';
import type { MeshHost } from '../mesh-host.js';

/** A stored resource with what it was before. */
export interface Known extends Suspect {
  readonly uid: string;
  /** Config revision of its last write. */
  readonly written: number;
  readonly former: readonly (Suspect['former'][number] & FormerRevision)[];
}

/** Resources of a cell that may be to blame: those written last. */
const MOST = 200;
/** Former revisions of each that are tried. */
const FORMER = 10;

/** Reads what resources were before the revision that is served; leaves out those of which no revision is good. */
export async function suspectsOf(
  host: MeshHost,
  ids: readonly ResourceId[],
  store: Pick<Quarantines, 'former'>,
): Promise<readonly Known[]> {
  const unique = new Map(ids.flatMap((id) => [host.taken(id) ?? []].flat().map((one) => [resourceKey(id), one])));
  const taken = [...unique.values()]
    .filter(({ quarantine }) => quarantine?.useRevision !== 0)
    .sort((a, b) => b.revision - a.revision)
    .slice(0, MOST);
  if (taken.length === 0) return [];
  const served = ({ revision, quarantine }: (typeof taken)[number]): number => quarantine?.useRevision ?? revision;
  const asked = taken.map((one) => ({ uid: one.uid, before: served(one) }));
  const former = Map.groupBy(await store.former(asked, FORMER), ({ uid }) => uid);
  return taken.map((one) => ({
    ...{ id: one.id, uid: one.uid, written: one.revision, revision: served(one) },
    former: (former.get(one.uid) ?? []).flatMap((was) => {
      const value = host.formerly(one, was.revision, was.manifest);
      return value ? [{ ...was, value }] : [];
    }),
  }));
}

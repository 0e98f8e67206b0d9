import { viewOfStaged } from '#libs/api';
import type { StagedView } from '#libs/changes';
import type { Reading } from './catalogue/catalogue.js';

/**
 * The newest trials as their reader may see them; one of which that is nothing is left out.
 * @param limit of those that are looked through, 1 to 500
 * @throws StoreUnavailable
 */
export async function trialsOf({ deps, access, caller, mesh }: Reading, limit: number): Promise<readonly StagedView[]> {
  const changes = await deps.store.staged.list(mesh, limit);
  const may: Parameters<typeof viewOfStaged>[1]['may'] = (seen) => access.may(caller, 'get', mesh, seen);
  return changes
    .map((change) => viewOfStaged(change, { may }))
    .filter(({ items, members }) => items.length + members.length > 0);
}

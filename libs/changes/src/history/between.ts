import { canonicalJson, err, ok, type Result } from '#libs/kernel';
import type { NetChange } from '#libs/store';
import type { Differences, NetDifference, PlanRefusal } from '../plan/types.js';
import type { ChangesDeps } from '../types.js';
import { describedItem } from './item.js';

/** What differs between the configuration after two revisions; backwards when `from` is the newer one. */
export async function between(
  { store }: ChangesDeps,
  mesh: string,
  { from, to }: { readonly from: number; readonly to: number },
  mayRead: (change: NetChange) => boolean,
): Promise<Result<Differences, PlanRefusal>> {
  const [older, newer] = [Math.min(from, to), Math.max(from, to)];
  const floor = await store.history.floor();
  if (older < floor) return err({ code: 'history-removed', floor });
  const net = (await store.past.between(mesh, older, newer)).filter(isDifferent);
  const shown = net.filter(mayRead);
  const turned = shown.map((change) =>
    from <= to ? change : { ...change, before: change.after, after: change.before },
  );
  return ok({ items: turned.map(difference), hidden: net.length - shown.length });
}

const isDifferent = ({ before, after }: NetChange): boolean =>
  canonicalJson(before ?? null) !== canonicalJson(after ?? null);

function difference({ kind, namespace, name, before, after, changes }: NetChange): NetDifference {
  return { kind, namespace, name, ...describedItem({ before, after }), changes };
}

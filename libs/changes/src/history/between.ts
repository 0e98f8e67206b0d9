import { canonicalJson } from '#libs/kernel';
import type { Manifest } from '#libs/model';
import type { NetChange } from '#libs/store';
import { described } from '../plan/intent.js';
import type { NetDifference } from '../plan/types.js';
import type { ChangesDeps } from '../types.js';

/** What differs between the configuration after two revisions; backwards when `from` is the newer one. */
export async function between(
  { store }: ChangesDeps,
  mesh: string,
  from: number,
  to: number,
): Promise<readonly NetDifference[]> {
  const net = await store.past.between(mesh, Math.min(from, to), Math.max(from, to));
  return net.flatMap((change) =>
    difference(from <= to ? change : { ...change, before: change.after, after: change.before }),
  );
}

function difference({ kind, namespace, name, before, after, changes }: NetChange): readonly NetDifference[] {
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
  const op = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
  // History keeps manifests as they were stored.
  const manifests = { before: before as Manifest | undefined, after: after as Manifest | undefined };
  return [{ op, kind, namespace, name, ...described(manifests), changes }];
}

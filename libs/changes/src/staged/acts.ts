/** What can be done with a staged change, by its author, by somebody else, or by the control plane itself. */
import { changeId, err, ok, type Result, STAGED_OPEN } from '#libs/kernel';
import { readStored } from '#libs/model';
import type { Actor, Lease, StagedChange, StagedItem, StoreRefusal, WriteItem, WriteOutcome } from '#libs/store';
import type { Authorize } from '../authorize.js';
import type { LiveMesh } from '../live.js';
import { beside } from '../plan/beside.js';
import { prepare } from '../prepare.js';
import { rolledBack } from '../rollback/rollback.js';
import type { ChangesDeps } from '../types.js';
import { cohortOf } from './cohort.js';
import { touchedBy } from './trial.js';

/** Who acts: a job with its lease, or a person. */
export interface By {
  readonly actor: Actor;
  readonly lease?: Lease;
}

export const writesOf = (items: readonly StagedItem[]): readonly WriteItem[] =>
  items.map(
    (item): WriteItem =>
      item.op === 'put'
        ? { op: 'put', manifest: item.manifest, hostnames: item.hostnames, ifVersion: item.ifVersion }
        : { op: 'delete', ...item.id, ifVersion: item.ifVersion },
  );

/** Gives it to everybody: one revision, under its author's name. */
export function promote(
  { store }: Pick<ChangesDeps, 'store'>,
  { id, mesh, items, message, reverts }: StagedChange,
  { actor }: By,
): Promise<Result<WriteOutcome, StoreRefusal>> {
  return store.resources.write({ mesh, actor, message, reverts, items: writesOf(items), staged: { promote: id } });
}

/** Takes it from those who have it; nothing was everybody's yet. */
export const giveUp = (
  { store }: Pick<ChangesDeps, 'store'>,
  { id }: StagedChange,
  { actor, lease }: By,
  to: { readonly state: 'reverted' | 'failed'; readonly reason: string },
): Promise<StagedChange | undefined> =>
  store.staged.step({ id, actor, from: { states: ['queued', ...STAGED_OPEN] }, to, ...(lease ? { lease } : {}) });

/** Undoes what everybody has, but for resources that later changes have written too. */
export async function undo(
  deps: ChangesDeps,
  change: StagedChange,
  by: By & { readonly authorize: Authorize },
  reason: string,
): Promise<Result<{ readonly skipped: number }, StoreRefusal | { readonly code: 'forbidden' }>> {
  const { mesh, id, appliedRevision = 0 } = change;
  const applied = changeId(appliedRevision);
  const back = await rolledBack(deps, mesh, { change: applied, conflicts: 'skip' });
  const nothing = async (why: string) => {
    await deps.store.staged.step({
      id,
      actor: by.actor,
      from: { states: ['watched'] },
      to: { state: 'done', reason: why },
    });
    return ok({ skipped: 0 });
  };
  if (!back.ok) return nothing(`it could not be undone: history does not reach back to ${applied}`);
  const { documents, deletes, conflicts, message } = back.value;
  const skipped = conflicts.length;
  if (documents.length + deletes.length === 0)
    return nothing('it could not be undone: later changes wrote everything that it wrote');
  const proposal = { documents: documents.map((document) => ({ document })), deletes };
  const prepared = await prepare(deps, { mesh, authorize: by.authorize }, proposal);
  if (!prepared.ok) {
    if (prepared.error.code === 'forbidden') return err({ code: 'forbidden' });
    return nothing('it could not be undone: what was there before is not valid any more');
  }
  const written = await deps.store.resources.write({
    ...{ mesh, actor: by.actor, items: prepared.value.items, reverts: applied },
    message: `${message}: ${reason}`.slice(0, 1_000),
    staged: { undo: id, reason: skipped > 0 ? `${reason} (${skipped} that later changes wrote stay)` : reason },
  });
  return written.ok ? ok({ skipped }) : written;
}

/** Who has it in a wave, by what it touches now. Undefined when this replica cannot say. */
export async function membersOf(
  deps: ChangesDeps,
  change: StagedChange,
  wave: number,
): Promise<readonly string[] | undefined> {
  const share = change.options.waves[wave];
  const live = await deps.live(change.mesh, true);
  if (!live || share === undefined) return undefined;
  const touched = await touchedByItems(deps, live, change);
  return cohortOf(touched, { change: change.id, share, before: change.members });
}

async function touchedByItems({ registry }: ChangesDeps, live: LiveMesh, { mesh, items }: StagedChange) {
  const puts = items.flatMap((item) => {
    if (item.op === 'delete') return [];
    const { apiVersion, spec, metadata } = item.manifest;
    const { labels, annotations } = metadata;
    const newest = { updatedRevision: Number.MAX_SAFE_INTEGER, createdRevision: Number.MAX_SAFE_INTEGER };
    const read = readStored(registry, mesh, { ...item.id, apiVersion, spec, labels, annotations, ...newest });
    return read.ok ? [read.value] : [];
  });
  const deletes = items.flatMap((item) => (item.op === 'delete' ? [item.id] : []));
  return beside(live, { puts, deletes }, (fork) => touchedBy(live, fork));
}

/** What people do with a staged change. Each is permitted anew, for whoever does it, by what the change would write. */
import { err, ok, type Result, STAGED_OPEN } from '#libs/kernel';
import type { StagedChange, StoreRefusal } from '#libs/store';
import type { Authorize, Denial } from '../authorize.js';
import { toManifest } from '../document.js';
import { readExisting } from '../existing.js';
import type { ChangesDeps } from '../types.js';
import { type By, giveUp, promote, undo } from './acts.js';

/**
 * promote: everybody is given it now. resume: what is held goes on. revert: nobody keeps it. confirm: it stays, though
 * nobody else would have said so.
 */
export type StagedAct = 'promote' | 'resume' | 'revert' | 'confirm';

export interface OperateRequest extends By {
  readonly mesh: string;
  readonly id: string;
  readonly act: StagedAct;
  readonly authorize: Authorize;
}

export type OperateRefusal =
  | { readonly code: 'unknown-change'; readonly change: string }
  /** It is in another state than the act is for. */
  | { readonly code: 'not-now'; readonly change: StagedChange }
  | { readonly code: 'forbidden'; readonly denials: readonly Denial[] }
  | StoreRefusal;

const FOR: Readonly<Record<StagedAct, readonly StagedChange['state'][]>> = {
  promote: STAGED_OPEN,
  resume: ['held'],
  revert: ['queued', ...STAGED_OPEN, 'watched'],
  confirm: ['watched'],
};

export async function operate(
  deps: ChangesDeps,
  request: OperateRequest,
): Promise<Result<StagedChange, OperateRefusal>> {
  const { mesh, id, act, authorize, actor } = request;
  const change = await deps.store.staged.get(mesh, id);
  if (!change) return err({ code: 'unknown-change', change: id });
  if (!FOR[act].includes(change.state)) return err({ code: 'not-now', change });
  const verdict = await authorize(await proposed(deps, change));
  if (verdict.denials.length > 0) return err({ code: 'forbidden', denials: verdict.denials });
  const failed = await perform(deps, change, request, actor.name);
  if (failed) return err(failed);
  const after = await deps.store.staged.get(mesh, id);
  return after ? ok(after) : err({ code: 'unknown-change', change: id });
}

/** @returns why it was not done */
async function perform(
  deps: ChangesDeps,
  change: StagedChange,
  { act, actor, authorize }: OperateRequest,
  who: string,
): Promise<OperateRefusal | undefined> {
  const { id, state } = change;
  const step = async (to: { readonly state: StagedChange['state']; readonly reason?: string }) =>
    (await deps.store.staged.step({ id, actor, from: { states: [state] }, to })) ? undefined : moved(id);
  switch (act) {
    case 'promote': {
      const done = await promote(deps, change, { actor });
      return done.ok ? undefined : done.error;
    }
    case 'resume':
      return step({ state: 'canary' });
    case 'confirm':
      return step({ state: 'done', reason: `confirmed by ${who}` });
    case 'revert': {
      const reason = `taken back by ${who}`;
      if (state !== 'watched')
        return (await giveUp(deps, change, { actor }, { state: 'reverted', reason })) ? undefined : moved(id);
      const undone = await undo(deps, change, { actor, authorize }, reason);
      if (undone.ok) return undefined;
      return undone.error.code === 'forbidden' ? { code: 'forbidden', denials: [] } : undone.error;
    }
  }
}

const moved = (change: string): OperateRefusal => ({ code: 'staged-moved', change });

/** What it writes, or wrote, as what the caller must be permitted to write. */
async function proposed({ store }: ChangesDeps, { mesh, items, appliedRevision }: StagedChange) {
  if (appliedRevision !== undefined && items.length === 0) {
    const written = (await store.past.change(mesh, appliedRevision)) ?? [];
    // As history keeps them: manifests.
    return written.map(({ kind, namespace, name, before, after }) => ({
      id: { kind, namespace, name },
      before: (after ?? undefined) as ReturnType<typeof toManifest> | undefined,
      after: (before ?? undefined) as ReturnType<typeof toManifest> | undefined,
    }));
  }
  const existing = await readExisting(
    store,
    mesh,
    items.map(({ id }) => id),
  );
  return items.map((item) => {
    const row = existing.get(item.id);
    return { id: item.id, before: row && toManifest(row), after: item.op === 'put' ? item.manifest : undefined };
  });
}

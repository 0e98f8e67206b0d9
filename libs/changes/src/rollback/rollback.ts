/** The documents and deletions that bring back what was. */
import { canonicalJson, err, ok, type Result, revisionOf } from '#libs/kernel';
import { idOf, type Manifest, type ResourceId, resourceKey } from '#libs/model';
import type { NetChange } from '#libs/store';
import { toDocumentOf } from '../document.js';
import type { PlanRefusal, Rollback, RollbackConflict } from '../plan/types.js';
import type { ChangesDeps, Deletion } from '../types.js';

export interface RolledBack {
  readonly documents: readonly unknown[];
  readonly deletes: readonly Deletion[];
  readonly conflicts: readonly RollbackConflict[];
  /** The change that is taken back, where it is one. */
  readonly reverts: string | undefined;
  readonly message: string;
}

export async function rolledBack(
  deps: ChangesDeps,
  mesh: string,
  rollback: Rollback,
): Promise<Result<RolledBack, PlanRefusal>> {
  const { configRevision } = await deps.store.identity();
  return rollback.change === undefined
    ? toRevision(deps, mesh, rollback.toRevision, configRevision)
    : takeBack(deps, mesh, rollback, configRevision);
}

const unknown = (change: string): Result<never, PlanRefusal> => err({ code: 'unknown-change', change });

async function toRevision(
  { store }: ChangesDeps,
  mesh: string,
  revision: number,
  head: number,
): Promise<Result<RolledBack, PlanRefusal>> {
  if (revision > head || revision < 1) return unknown(`revision ${revision}`);
  const floor = await store.history.floor();
  if (revision < floor) return err({ code: 'history-removed', floor });
  const net = await store.past.between(mesh, revision, head);
  return ok({
    ...targets(net.map(({ before, after, ...id }) => ({ id, target: before, current: after }))),
    conflicts: [],
    reverts: undefined,
    message: `back to revision ${revision}`,
  });
}

async function takeBack(
  { store }: ChangesDeps,
  mesh: string,
  { change, conflicts: decision = 'refuse' }: Rollback & { readonly change: string },
  head: number,
): Promise<Result<RolledBack, PlanRefusal>> {
  const revision = revisionOf(change);
  const items = revision === undefined || revision > head ? undefined : await store.past.change(mesh, revision);
  if (revision === undefined || items === undefined) return unknown(change);
  const later = new Map((await store.past.between(mesh, revision, head)).map((net) => [resourceKey(net), net]));
  const contested = items.flatMap((item) => contest(item, later.get(resourceKey(item))));
  if (contested.length > 0 && decision === 'refuse') return err({ code: 'rollback-conflict', conflicts: contested });
  const skipped = decision === 'skip' ? new Set(contested.map(resourceKey)) : new Set<string>();
  const wanted = items.filter((item) => !skipped.has(resourceKey(item)));
  return ok({
    ...targets(
      wanted.map((item) => ({
        id: item,
        target: item.before,
        current: later.has(resourceKey(item)) ? later.get(resourceKey(item))?.after : item.after,
      })),
    ),
    conflicts: contested.map((conflict) => ({ ...conflict, decision: decision === 'skip' ? 'skip' : 'overwrite' })),
    reverts: change,
    message: `rollback of ${change}`,
  });
}

/** A later change wrote the resource too, and did not bring it back by itself. */
function contest(item: NetChange, later: NetChange | undefined): readonly Omit<RollbackConflict, 'decision'>[] {
  if (later === undefined || isSame(later.after, item.before)) return [];
  return [{ ...idOf(item), later: later.changes }];
}

const isSame = (a: unknown, b: unknown): boolean => canonicalJson(a ?? null) === canonicalJson(b ?? null);

interface Wanted {
  readonly id: ResourceId;
  readonly target: unknown;
  readonly current: unknown;
}

/** Documents for what was there, deletions for what was not and is. */
function targets(wanted: readonly Wanted[]): Pick<RolledBack, 'documents' | 'deletes'> {
  const there = wanted.filter(({ target }) => target !== undefined && target !== null);
  const gone = wanted.filter(
    ({ target, current }) => (target ?? undefined) === undefined && (current ?? undefined) !== undefined,
  );
  return {
    // History keeps manifests as they were stored: the kinds parse them again, like any other.
    documents: there.map(({ target }) => toDocumentOf(target as Manifest)),
    deletes: gone.map(({ id }) => idOf(id)),
  };
}

/** Where a plan's documents and deletions come from: the request, a label, or history. */
import { err, ok, type Result } from '#libs/kernel';
import { rolledBack } from '../rollback/rollback.js';
import type { ChangesDeps, Deletion } from '../types.js';
import { orphans, owned } from './prune.js';
import type { PlanRefusal, PlanRequest, RollbackConflict } from './types.js';

export interface Sourced {
  readonly documents: readonly unknown[];
  readonly deletes: readonly Deletion[];
  readonly conflicts: readonly RollbackConflict[];
  readonly reverts: string | undefined;
  readonly message: string;
}

export async function sourceOf(deps: ChangesDeps, request: PlanRequest): Promise<Result<Sourced, PlanRefusal>> {
  const { mesh, rollback, prune, message, documents, deletes } = request;
  if (rollback) {
    const back = await rolledBack(deps, mesh, rollback);
    return back.ok ? ok({ ...back.value, message: message || back.value.message }) : back;
  }
  const plain: Sourced = { documents, deletes, conflicts: [], reverts: undefined, message };
  if (!prune) return ok(plain);
  const labelled = owned(deps.registry, documents, prune.owner);
  if (!labelled.ok) return err({ code: 'invalid', violations: labelled.error });
  const gone = await orphans(deps, mesh, documents, prune.owner);
  return ok({ ...plain, documents: labelled.value, deletes: [...deletes, ...gone] });
}

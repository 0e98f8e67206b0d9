import type { Result } from '#libs/kernel';
import type { NetChange, StagedChange } from '#libs/store';
import type { AppliedPlan, ApplyPlanRequest, Differences, Plan, PlanRefusal, PlanRequest } from './plan/types.js';
import type { OperateRefusal, OperateRequest } from './staged/operate.js';
import type { StagedReportView } from './staged/report.js';
import type { ApplyRequest, ChangeOutcome, ChangeRefusal, DeleteRequest, PatchRequest, PutRequest } from './types.js';

/**
 * The life of a change, from documents to one transaction. Every operation is one write of the store or none.
 * @throws StoreUnavailable when Postgres is away: nothing was written
 */
export interface Changes {
  /** Many documents and deletions, in one transaction. */
  apply(request: ApplyRequest): Promise<Result<ChangeOutcome, ChangeRefusal>>;
  /** One document, which must be the named resource; members of its identity that it leaves out are filled in. */
  put(request: PutRequest): Promise<Result<ChangeOutcome, ChangeRefusal>>;
  /** Reads, merges, writes; tries again when another write came in between, unless `ifVersion` is given. */
  patch(request: PatchRequest): Promise<Result<ChangeOutcome, ChangeRefusal>>;
  remove(request: DeleteRequest): Promise<Result<ChangeOutcome, ChangeRefusal>>;
  /** What a change would do: nothing is written but, if asked, the plan itself. */
  plan(request: PlanRequest): Promise<Result<Plan, PlanRefusal>>;
  /** A plan that is kept, as long as it can be applied. */
  planned(mesh: string, id: string): Promise<Result<Plan, PlanRefusal>>;
  /** Exactly what was planned, or nothing. */
  applyPlan(request: ApplyPlanRequest): Promise<Result<AppliedPlan, PlanRefusal>>;
  /** Moves a staged change on, or ends it, for the present caller. */
  operate(request: OperateRequest): Promise<Result<StagedChange, OperateRefusal>>;
  /** What has been seen of the newest step of a staged change; undefined when it is over, or has not begun. */
  report(change: StagedChange): Promise<StagedReportView | undefined>;
  /** What differs between the configuration after two revisions, resource by resource, as far as the caller may read it. */
  between(
    mesh: string,
    range: { readonly from: number; readonly to: number },
    mayRead: (change: NetChange) => boolean,
  ): Promise<Result<Differences, PlanRefusal>>;
}

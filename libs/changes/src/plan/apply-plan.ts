/** Exactly what was planned, or nothing. */
import { err, ok, type Result, type Steps } from '#libs/kernel';
import { type ResourceId, resourceKey } from '#libs/model';
import type { NetChange, StoreRefusal, WriteItem, WriteOutcome } from '#libs/store';
import { refusal } from '../apply.js';
import { toDocumentOf } from '../document.js';
import type { LiveMesh } from '../live.js';
import { type Prepared, prepare } from '../prepare.js';
import type { Touched } from '../staged/cohort.js';
import { splitsPairs } from '../staged/pairs.js';
import { commit, touchedBy } from '../staged/trial.js';
import { type Obstacle, obstaclesTo, overruled, twoSided } from '../two-sided/obstacles.js';
import type { ChangesDeps } from '../types.js';
import { beside } from './beside.js';
import { findingKey } from './findings/index.js';
import type { Finding } from './findings/types.js';
import { type Judgement, judge } from './judge.js';
import { notPrepared, type PlanDocument } from './planner.js';
import { changedInputs, readSetOf } from './read-set.js';
import type { AppliedPlan, ApplyPlanRequest, ChangedInput, Plan, PlanRefusal, RuntimeMoves } from './types.js';

/** How often it is decided anew while others write in between, none of it anything that the plan has read. */
const ATTEMPTS = 5;

/** No revision is this one: a write with it is refused unless it was carried out before (REL-39). */
const NEVER = -1;

/** Finds a plan that can still be applied. */
export async function keptPlan(
  { store }: ChangesDeps,
  mesh: string,
  id: string,
): Promise<Result<PlanDocument, PlanRefusal>> {
  const stored = await store.plans.get(mesh, id);
  if (stored === undefined) return err({ code: 'plan-unknown' });
  const { createdAt, expiresAt } = stored;
  if (stored.expired) return err({ code: 'plan-expired', expiresAt });
  // Written by `makePlan` of this or the build before: the store hands back what it was given.
  const document = stored.document as PlanDocument;
  return ok({ ...document, plan: { ...document.plan, id, createdAt, expiresAt } });
}

export async function applyPlan(
  deps: ChangesDeps,
  request: ApplyPlanRequest,
): Promise<Result<AppliedPlan, PlanRefusal>> {
  const kept = await keptPlan(deps, request.mesh, request.id);
  if (!kept.ok) return kept;
  const document = kept.value;
  const prepared = await prepare(deps, request, proposalOf(document.items));
  if (!prepared.ok) return err(notPrepared(prepared.error, false));
  const split = request.trial && request.trial.waves.length > 0 ? splitsPairs(prepared.value.intended) : [];
  if (split.length > 0) return err({ code: 'splits-pairs', resources: split });
  const obstacles = await obstaclesTo(deps, await deps.live(request.mesh, false), prepared.value);
  if (obstacles.length > 0 && !request.force) {
    const attempt = { document, prepared: prepared.value, obstacles: [] };
    return (await repeated(deps, request, attempt)) ?? err(twoSided(obstacles, request));
  }
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const done = await attemptPlan(deps, request, { document, prepared: prepared.value, obstacles });
    if (done !== undefined) return done;
  }
  return err({ code: 'plan-contended' });
}

const proposalOf = (items: readonly WriteItem[]) => ({
  documents: items.flatMap((item) =>
    item.op === 'put' ? [{ document: toDocumentOf(item.manifest), ifVersion: item.ifVersion }] : [],
  ),
  deletes: items.flatMap((item) => (item.op === 'delete' ? [item] : [])),
});

interface Attempt {
  readonly document: PlanDocument;
  readonly prepared: Prepared;
  /** Overruled ones. */
  readonly obstacles: readonly Obstacle[];
}

/** Undefined when somebody wrote between the decision and the commit. */
async function attemptPlan(
  deps: ChangesDeps,
  request: ApplyPlanRequest,
  attempt: Attempt,
): Promise<Result<AppliedPlan, PlanRefusal> | undefined> {
  const live = await deps.live(request.mesh, true);
  if (!live) return err({ code: 'no-preview' });
  const { plan, drainPercent } = attempt.document;
  const revision = live.configRevision;
  const since = revision > plan.revision ? await deps.store.past.between(request.mesh, plan.revision, revision) : [];
  const { prepared } = attempt;
  const found = await beside(live, prepared, function* (fork, { configRevision }) {
    // A pass may have come since history was read: then what follows would be about two states.
    if (configRevision !== revision) return undefined;
    const judged = yield* judge(deps, live, { prepared, fork }, { drainPercent, obstacles: attempt.obstacles });
    const touched = request.trial ? yield* touchedBy(live, fork) : [];
    const inputs = yield* staleInputs(live, attempt, since, judged.ok ? judged.value : undefined);
    return { judged, touched, inputs };
  });
  if (!found) return undefined;
  const { judged, inputs, touched } = found;
  if (inputs.length > 0) return (await repeated(deps, request, attempt)) ?? err({ code: 'plan-stale', inputs });
  if (!judged.ok) return err({ code: 'invalid', violations: judged.error });
  const written = await write(deps, request, attempt, { ifRevision: revision, touched });
  if (!written.ok) return refused(deps, request, attempt, written.error);
  const moved = movesOf(plan, judged.value.effect);
  return ok({ ...written.value, warnings: judged.value.effect.warnings, ...(moved ? { moved } : {}) });
}

function* staleInputs(
  live: LiveMesh,
  { document, prepared }: Attempt,
  since: readonly NetChange[],
  judged: Judgement | undefined,
): Steps<readonly ChangedInput[]> {
  if (since.length === 0) return [];
  const written: readonly ResourceId[] = prepared.intended;
  const now = judged ? yield* readSetOf(judged.fork) : document.reads;
  return changedInputs(live, { planned: document.reads, now }, { written, since });
}

const write = (
  deps: ChangesDeps,
  { mesh, actor, idempotencyKey, id, trial }: ApplyPlanRequest,
  { document, obstacles }: Attempt,
  { ifRevision, touched }: { readonly ifRevision: number; readonly touched: readonly Touched[] },
): Promise<Result<WriteOutcome, StoreRefusal>> =>
  commit(
    deps,
    {
      ...{ mesh, actor, idempotencyKey, items: document.items, ifRevision },
      message: document.plan.message || `plan ${id}`,
      reverts: document.plan.reverts,
      forced: overruled(obstacles),
    },
    trial && { options: trial, touched },
  );

/** The same request sent again, its first answer lost: what it wrote is what has changed since (REL-39). */
async function repeated(
  deps: ChangesDeps,
  request: ApplyPlanRequest,
  attempt: Attempt,
): Promise<Result<AppliedPlan, PlanRefusal> | undefined> {
  if (request.idempotencyKey === undefined) return undefined;
  const first = await write(deps, request, attempt, { ifRevision: NEVER, touched: [] });
  return first.ok ? ok({ ...first.value, warnings: [] }) : undefined;
}

async function refused(
  deps: ChangesDeps,
  request: ApplyPlanRequest,
  { document, prepared }: Attempt,
  error: StoreRefusal,
): Promise<Result<never, PlanRefusal> | undefined> {
  if (error.code === 'revision-moved') return undefined;
  const known = refusal(error, prepared.checked, request);
  if (known.code === 'forbidden') return err({ ...known, named: false });
  if (known.code !== 'version-conflict' && known.code !== 'not-found') return err(known);
  const { configRevision } = await deps.store.identity();
  const since = await deps.store.past.between(request.mesh, document.plan.revision, configRevision);
  const by = since.find((net) => resourceKey(net) === resourceKey(known.resource))?.changes ?? [];
  return err({ code: 'plan-stale', inputs: [{ ...known.resource, by: [...by].reverse() }] });
}

/** What is otherwise than planned though no input has changed: instances have come and gone. */
function movesOf(planned: Plan, now: Judgement['effect']): RuntimeMoves | undefined {
  const size = ({ envoy }: { readonly envoy: Pick<Plan['envoy'], 'added' | 'changed' | 'removed'> }): number =>
    envoy.added + envoy.changed + envoy.removed;
  const keys = (findings: readonly Finding[]): ReadonlySet<string> => new Set(findings.map(findingKey));
  const before = keys(planned.findings);
  const after = keys(now.findings);
  const moves: RuntimeMoves = {
    proxies: { planned: planned.proxies.touched, now: now.proxies.touched },
    envoy: { planned: size(planned), now: size(now) },
    appeared: now.findings.filter((one) => !before.has(findingKey(one))),
    resolved: planned.findings.filter((one) => !after.has(findingKey(one))),
  };
  const isSame = moves.proxies.planned === moves.proxies.now && moves.envoy.planned === moves.envoy.now;
  return isSame && moves.appeared.length + moves.resolved.length === 0 ? undefined : moves;
}

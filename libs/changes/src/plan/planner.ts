/** Makes plans: what a change would do, evaluated beside the live mesh. */
import { randomBytes } from 'node:crypto';
import { err, ok, type Result } from '#libs/kernel';
import type { WriteItem } from '#libs/store';
import { denied } from '../apply.js';
import { type Prepared, prepare, type Unprepared } from '../prepare.js';
import { obstaclesTo } from '../two-sided/obstacles.js';
import type { ChangesDeps } from '../types.js';
import { beside } from './beside.js';
import { describe } from './envoy.js';
import { intentOf } from './intent.js';
import { judge } from './judge.js';
import { takenOver } from './prune.js';
import { type ReadMark, readSetOf } from './read-set.js';
import { replayed } from './replayed.js';
import { securityWrites } from './security.js';
import { type Sourced, sourceOf } from './source.js';
import type { Plan, PlanRefusal, PlanRequest } from './types.js';

/** What the store keeps of a plan. */
export interface PlanDocument {
  readonly plan: Plan;
  /** With the version of everything they write. */
  readonly items: readonly WriteItem[];
  readonly reads: readonly ReadMark[];
  readonly drainPercent: number;
}

const DEFAULT_DRAIN_PERCENT = 20;
const DEFAULT_DETAILS = 200;

export async function makePlan(deps: ChangesDeps, request: PlanRequest): Promise<Result<Plan, PlanRefusal>> {
  const { mesh, drainPercent = DEFAULT_DRAIN_PERCENT, details = DEFAULT_DETAILS, requests = [] } = request;
  const sourced = await sourceOf(deps, request);
  if (!sourced.ok) return sourced;
  const prepared = await prepareSourced(deps, request, sourced.value);
  if (!prepared.ok) return prepared;
  const live = await deps.live(mesh, true);
  if (!live) return err({ code: 'no-preview' });
  const obstacles = await obstaclesTo(deps, live, prepared.value);
  const judged = await beside(live, prepared.value, function* (fork, revisions) {
    const found = yield* judge(deps, live, { prepared: prepared.value, fork }, { drainPercent, obstacles });
    if (!found.ok) return found;
    const reads = request.save ? yield* readSetOf(fork) : [];
    const routes = requests.length > 0 ? yield* fork.routesInSteps() : [];
    const { configRevision: revision, runtimeRevision } = revisions;
    return ok({ effect: found.value.effect, reads, routes, revision, runtimeRevision });
  });
  if (!judged.ok) return err({ code: 'invalid', violations: judged.error });
  const { effect, reads, routes, revision, runtimeRevision } = judged.value;
  const plan: Plan = {
    ...{ id: '', mesh, createdAt: '', expiresAt: '', actor: request.actor.name },
    ...{ message: sourced.value.message, reverts: sourced.value.reverts, conflicts: sourced.value.conflicts },
    ...{ revision, runtimeRevision },
    intent: intentOf(prepared.value),
    ...effect,
    envoy: await describe(effect.envoy, details, () => live.slice()),
    ...(requests.length > 0 ? { replay: await replayed(routes, requests, () => live.slice()) } : {}),
  };
  const document = { plan, items: guarded(prepared.value), reads, drainPercent };
  return ok(request.save ? await save(deps, document) : plan);
}

async function prepareSourced(
  deps: ChangesDeps,
  request: PlanRequest,
  sourced: Sourced,
): Promise<Result<Prepared, PlanRefusal>> {
  const documents = sourced.documents.map((document) => ({ document }));
  const prepared = await prepare(deps, request, { documents, deletes: sourced.deletes });
  const isAsked = !request.prune && !request.rollback;
  if (!prepared.ok) return err(notPrepared(prepared.error, isAsked));
  const { intended, existing } = prepared.value;
  const missing = sourced.deletes.find((id) => existing.get(id) === undefined);
  if (missing) return err({ code: 'not-found', resource: missing });
  const taken = request.prune ? takenOver(intended, request.prune.owner) : [];
  if (taken.length > 0) return err({ code: 'invalid', violations: taken });
  const secured =
    isAsked || request.includeSecurity === true
      ? []
      : securityWrites(intended, deps.registry, request.prune !== undefined);
  return secured.length > 0 ? err({ code: 'include-security', resources: secured }) : prepared;
}

/** @param isNamed whether the caller has named every resource */
export function notPrepared(refused: Unprepared, isNamed: boolean): PlanRefusal {
  if (refused.code === 'invalid') return refused;
  if (!isNamed) return { ...refused, named: false };
  const told = denied(refused.denials);
  return told.code === 'forbidden' ? { ...told, named: true } : told;
}

/** The writes, each refused unless its resource is as it was planned on. */
const guarded = ({ items, existing }: Prepared): readonly WriteItem[] =>
  items.map((item): WriteItem => {
    const id = item.op === 'delete' ? item : { kind: item.manifest.kind, ...item.manifest.metadata };
    return { ...item, ifVersion: existing.get(id)?.version ?? 0 };
  });

async function save({ store }: ChangesDeps, document: PlanDocument): Promise<Plan> {
  const { mesh, actor, revision } = document.plan;
  const id = `p-${randomBytes(9).toString('base64url')}`;
  const { createdAt, expiresAt } = await store.plans.insert({ id, mesh, actor, revision, document });
  return { ...document.plan, id, createdAt, expiresAt };
}

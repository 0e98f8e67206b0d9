import { err, ok, type Result, valueHash } from '#libs/kernel';
import { applyDocuments } from './apply.js';
import { toDocument, withIdentity } from './document.js';
import type { Changes } from './door.js';
import { between } from './history/between.js';
import { mergePatch } from './merge-patch.js';
import { applyPlan, keptPlan } from './plan/apply-plan.js';
import { makePlan } from './plan/planner.js';
import { operate } from './staged/operate.js';
import { reportOf } from './staged/report.js';
import { traced } from './traced.js';
import type { ChangeOutcome, ChangeRefusal, ChangesDeps, PatchRequest, PutRequest } from './types.js';

/** How often a patch without `ifVersion` is merged anew when other writes keep coming in between. */
const PATCH_ATTEMPTS = 4;

/** Makes the door through which every configuration write goes. */
export function createChanges(deps: ChangesDeps): Changes {
  const changes = doorOf(deps);
  return deps.tracer?.on ? traced(changes, deps.tracer) : changes;
}

function doorOf(deps: ChangesDeps): Changes {
  return {
    apply: (request) =>
      applyDocuments(deps, request, {
        documents: request.documents.map((document) => ({ document })),
        deletes: request.deletes ?? [],
      }),
    put: (request) => put(deps, request),
    patch: (request) => patch(deps, request),
    plan: (request) => makePlan(deps, request),
    async planned(mesh, id) {
      const kept = await keptPlan(deps, mesh, id);
      return kept.ok ? ok(kept.value.plan) : kept;
    },
    applyPlan: (request) => applyPlan(deps, request),
    operate: (request) => operate(deps, request),
    report: (change) => reportOf(deps.store, change),
    between: (mesh, range, mayRead) => between(deps, mesh, range, mayRead),
    remove: (request) =>
      applyDocuments(deps, request, { documents: [], deletes: [{ ...request.id, ifVersion: request.ifVersion }] }),
  };
}

function put(deps: ChangesDeps, request: PutRequest): Promise<Result<ChangeOutcome, ChangeRefusal>> {
  const document = withIdentity(request.document, request.id);
  return applyDocuments(deps, request, {
    documents: [{ document, mustBe: request.id, ifVersion: request.ifVersion }],
    deletes: [],
  });
}

async function patch(deps: ChangesDeps, request: PatchRequest): Promise<Result<ChangeOutcome, ChangeRefusal>> {
  const { mesh, id } = request;
  for (let attempt = 1; ; attempt += 1) {
    const current = await deps.store.resources.get(mesh, id.kind, id.namespace, id.name);
    if (current === undefined) return err({ code: 'not-found', resource: id });
    const manifest = toDocument(current);
    const document = mergePatch(manifest, request.patch);
    const repeated = request.idempotencyKey !== undefined && valueHash(document) === valueHash(manifest);
    if (request.ifVersion !== undefined && request.ifVersion !== current.version && !repeated) {
      return err({ code: 'version-conflict', resource: id, current: current.version });
    }
    const result = await put(deps, { ...request, document, ifVersion: current.version });
    // The same patch sent again (REL-39): what it asks for is in place, though what it is merged into has changed.
    if (repeated && !result.ok && result.error.code === 'idempotency-mismatch') {
      return put(deps, { ...request, document, ifVersion: current.version, idempotencyKey: undefined });
    }
    const raced = !result.ok && result.error.code === 'version-conflict' && request.ifVersion === undefined;
    if (!raced || attempt >= PATCH_ATTEMPTS) return result;
  }
}

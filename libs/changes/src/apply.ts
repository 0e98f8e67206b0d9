import type { MeshFork } from '#libs/compiler';
import { err, ok, type Result, type Steps, silentTracer } from '#libs/kernel';
import { idOf, type ResourceId, resourceKey } from '#libs/model';
import type { StoreRefusal, WriteItem, WriteOutcome } from '#libs/store';
import type { Denial } from './authorize.js';
import { type CheckedDocument, hostnameTaken } from './check.js';
import type { Existing } from './existing.js';
import type { LiveMesh } from './live.js';
import { beside } from './plan/beside.js';
import { compileFailures } from './plan/culprit.js';
import { warningsOf } from './plan/evaluate.js';
import { operation, type Prepared, type Proposal, prepare } from './prepare.js';
import { splitsPairs } from './staged/pairs.js';
import { commit, touchedBy } from './staged/trial.js';
import { obstaclesTo, overruled, twoSided } from './two-sided/obstacles.js';
import type {
  ChangeOutcome,
  ChangeRefusal,
  ChangesDeps,
  ResourceViolation,
  ResourceWarning,
  WriteContext,
} from './types.js';

/** How often a write is looked at anew when what permitted it changed in between. */
const ATTEMPTS = 4;

/** Parse, compare, authorise, evaluate, then one write: the only way to the store for configuration. */
export async function applyDocuments(
  deps: ChangesDeps,
  context: WriteContext,
  proposal: Proposal,
): Promise<Result<ChangeOutcome, ChangeRefusal>> {
  for (let attempt = 1; ; attempt += 1) {
    const tried = await attemptDocuments(deps, context, proposal);
    const raced = !tried.ok && tried.error.code === 'version-conflict' && !wasExpected(proposal, tried.error.resource);
    if (!raced || attempt >= ATTEMPTS) return tried;
  }
}

async function attemptDocuments(
  deps: ChangesDeps,
  context: WriteContext,
  proposal: Proposal,
): Promise<Result<ChangeOutcome, ChangeRefusal>> {
  const prepared = await prepare(deps, context, proposal);
  if (!prepared.ok) return err(prepared.error.code === 'forbidden' ? denied(prepared.error.denials) : prepared.error);
  const { checked, existing, items, seen, intended } = prepared.value;
  const { mesh, actor, message, idempotencyKey, trial, dryRun } = context;
  const split = trial && trial.waves.length > 0 ? splitsPairs(intended) : [];
  if (split.length > 0) return err({ code: 'splits-pairs', resources: split });
  const live = await deps.live(mesh, false);
  const obstacles = await obstaclesTo(deps, live, prepared.value);
  if (obstacles.length > 0 && !context.force) return err(twoSided(obstacles, context));
  const { tracer = silentTracer } = deps;
  const judged = live
    ? await tracer.run('change evaluate', () =>
        beside(live, prepared.value, function* (fork) {
          const found = yield* evaluate(deps, live, prepared.value, fork);
          return found.ok ? ok({ ...found.value, touched: trial ? yield* touchedBy(live, fork) : [] }) : found;
        }),
      )
    : ok({ warnings: ownWarnings(prepared.value), touched: [] });
  if (!judged.ok) return err({ code: 'invalid', violations: judged.error });
  const { warnings, touched } = judged.value;
  const written = dryRun
    ? await rehearse(deps, items, existing)
    : await commit(
        deps,
        { mesh, actor, message, items, seen, idempotencyKey, forced: overruled(obstacles) },
        trial && { options: trial, touched },
      );
  if (!written.ok) return err(refusal(written.error, checked, context));
  return ok({ ...written.value, warnings });
}

/** What the caller may not see is not there, as far as he is concerned; unless he is refused something else anyway. */
export function denied(denials: readonly Denial[]): Extract<ChangeRefusal, { code: 'forbidden' | 'not-found' }> {
  const shown = denials.filter(({ hidden }) => !hidden);
  const [first] = denials;
  if (shown.length > 0 || first === undefined) return { code: 'forbidden', denials: shown };
  return { code: 'not-found', resource: first.resource };
}

/** True if the sender himself said which version he expects. */
function wasExpected({ documents, deletes }: Proposal, resource: ResourceId): boolean {
  const stated = deletes.find((one) => resourceKey(one) === resourceKey(resource));
  return stated ? stated.ifVersion !== undefined : documents.some(({ ifVersion }) => ifVersion !== undefined);
}

/** Whether everything still compiles, and what is to be said about the writes. */
export function* evaluate(
  { registry }: Pick<ChangesDeps, 'registry'>,
  live: LiveMesh,
  prepared: Prepared,
  fork: MeshFork,
): Steps<Result<{ readonly warnings: readonly ResourceWarning[] }, readonly ResourceViolation[]>> {
  const failures = yield* compileFailures(fork, { ...prepared, registry });
  if (failures.length > 0) return err(failures);
  const written = prepared.checked.map(({ id }) => id);
  const seen = yield* warningsOf(live, fork, { written, deletes: prepared.deletes, mayKnow: prepared.mayKnow });
  return ok({ warnings: [...ownWarnings(prepared), ...seen] });
}

/** What the documents themselves give rise to. */
const ownWarnings = ({ checked }: Prepared): readonly ResourceWarning[] =>
  checked.flatMap(({ id, parsed }) =>
    parsed.warnings.map(({ path, code, message }) => ({ resource: id, path, code, message })),
  );

const PAST = { create: 'created', update: 'updated', unchanged: 'unchanged' } as const;

/** What the store would answer, read without a lock: exact unless somebody writes meanwhile. */
async function rehearse(
  { store }: ChangesDeps,
  items: readonly WriteItem[],
  existing: Existing,
): Promise<Result<WriteOutcome, StoreRefusal>> {
  const outcome: WriteOutcome['items'][number][] = [];
  for (const item of items) {
    const id = item.op === 'delete' ? item : { kind: item.manifest.kind, ...item.manifest.metadata };
    const { kind, namespace, name } = id;
    const current = existing.get(id);
    const version = current?.version ?? 0;
    if (item.op === 'delete' && current === undefined) return err({ code: 'not-found', kind, namespace, name });
    if (item.ifVersion !== undefined && item.ifVersion !== version) {
      return err({ code: 'version-conflict', kind, namespace, name, current: version });
    }
    const op = item.op === 'delete' ? 'deleted' : PAST[operation(item.manifest, current)];
    outcome.push({ op, kind, namespace, name, version: op === 'created' || op === 'updated' ? version + 1 : version });
  }
  const { configRevision } = await store.identity();
  return ok({ change: '', revision: configRevision, items: outcome });
}

export function refusal(
  refused: StoreRefusal,
  checked: readonly CheckedDocument[],
  { mayKnow }: WriteContext,
): ChangeRefusal {
  switch (refused.code) {
    case 'hostname-taken':
      return { code: 'invalid', violations: takenViolations(refused, checked, mayKnow?.(refused.namespace) ?? false) };
    case 'version-conflict':
      return { code: 'version-conflict', resource: idOf(refused), current: refused.current };
    case 'not-found':
      return { code: 'not-found', resource: idOf(refused) };
    case 'idempotency-mismatch':
      return { code: 'idempotency-mismatch', key: refused.key };
    case 'staged':
      return { code: 'staged', resource: idOf(refused), change: refused.change };
    case 'staged-moved':
      return { code: 'staged-moved', change: refused.change };
    case 'unchanged':
      return { code: 'unchanged' };
    case 'revision-moved':
      throw new Error('a write without a revision was refused for its revision');
  }
}

function takenViolations(
  { hostname, namespace, name }: Extract<StoreRefusal, { code: 'hostname-taken' }>,
  checked: readonly CheckedDocument[],
  named: boolean,
): ResourceViolation[] {
  const holder = named ? `${namespace}/${name}` : 'another service';
  return checked
    .filter(({ parsed }) => parsed.hostnames.includes(hostname))
    .map(({ id, index, parsed }) => {
      return { ...hostnameTaken(parsed, hostname, holder), resource: id, document: index };
    });
}

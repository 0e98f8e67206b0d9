import { type Clock, changeId, err, type Log, ok, type Result, type Span, type Tracer } from '#libs/kernel';
import { resourceKey } from '#libs/model';
import type { Database, Sql } from '../database.js';
import { codeOf, constraintOf } from '../errors.js';
import type { ChangeTraces } from '../feed/change-traces.js';
import type { StoreRefusal, WriteOutcome, WriteRequest } from '../ports.js';
import { requireFree, stepWith } from '../staged/write.js';
import { updateAddresses } from './addresses.js';
import { auditRefusal } from './audit-refusal.js';
import { commitChange } from './commit.js';
import { changesOf, evaluate, idOf, outcomeItems, type Step } from './evaluate.js';
import { claimHostnames } from './hostnames.js';
import { claimKey, rememberOutcome } from './idempotency.js';
import { Raced, Refused } from './refused.js';
import type { ResourceRow } from './rows.js';

const UNIQUE_VIOLATION = '23505';
const DEFAULT_MESH = 'default';

// Locked in the order of their keys, so that requests that overlap queue up instead of deadlocking. Not FOR UPDATE,
// which would keep out the writers that only hold the Mesh in place (FOR KEY SHARE below).
const LOCK_ROWS = `
SELECT r.* FROM resource r
JOIN unnest($2::text[], $3::text[], $4::text[]) AS k(kind, namespace, name) USING (kind, namespace, name)
WHERE r.mesh = $1 ORDER BY r.kind, r.namespace, r.name FOR NO KEY UPDATE OF r`;

const HOLD_MESH = `SELECT 1 FROM resource WHERE mesh = $1 AND kind = 'Mesh' AND namespace = '' AND name = $1 FOR KEY SHARE`;

/** A resource lives in a mesh that exists, or in `default`, or comes with its Mesh. */
async function requireMesh(sql: Sql, request: WriteRequest): Promise<void> {
  const own = request.items.some(
    (item) => item.op === 'put' && idOf(item).kind === 'Mesh' && idOf(item).name === request.mesh,
  );
  if (own || request.mesh === DEFAULT_MESH) return;
  if ((await sql.query(HOLD_MESH, [request.mesh])).length > 0) return;
  throw new Refused({ code: 'not-found', kind: 'Mesh', namespace: '', name: request.mesh });
}

/** What the decision to permit the write rests on must still be so, now that nobody can change it. */
function requireUnchanged({ seen = [] }: WriteRequest, rows: readonly ResourceRow[]): void {
  const versions = new Map(rows.map((row) => [resourceKey(row), row.version]));
  const moved = seen.find((row) => (versions.get(resourceKey(row)) ?? 0) !== row.version);
  if (moved === undefined) return;
  const { kind, namespace, name } = moved;
  throw new Refused({
    code: 'version-conflict',
    kind,
    namespace,
    name,
    current: versions.get(resourceKey(moved)) ?? 0,
  });
}

async function currentRevision(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ revision: number }>(`SELECT revision FROM stream WHERE stream = 'config'`);
  return row?.revision ?? 0;
}

/**
 * What a request does to the rows it names, which are locked until the end of the transaction.
 * @throws Refused
 */
export async function decide(sql: Sql, request: WriteRequest): Promise<readonly Step[]> {
  await requireMesh(sql, request);
  const ids = request.items.map(idOf);
  const rows = await sql.query<ResourceRow>(LOCK_ROWS, [
    request.mesh,
    ids.map((id) => id.kind),
    ids.map((id) => id.namespace),
    ids.map((id) => id.name),
  ]);
  await requireFree(sql, request, ids);
  requireUnchanged(request, rows);
  const evaluation = evaluate(request.items, rows);
  if (!evaluation.ok) throw new Refused(evaluation.refusal);
  return evaluation.steps;
}

async function writeIn(sql: Sql, request: WriteRequest, trace: string | undefined): Promise<WriteOutcome> {
  const first = await claimKey(sql, request);
  if (first !== undefined) return first;
  const steps = await decide(sql, request);
  const items = outcomeItems(steps);
  const changes = changesOf(steps);
  if (changes.length === 0) {
    const outcome = { change: '', revision: await currentRevision(sql), items };
    await rememberOutcome(sql, request, outcome);
    return outcome;
  }
  await claimHostnames(sql, request.mesh, changes);
  await updateAddresses(sql, request.mesh, changes);
  const revision = await commitChange(sql, request, { changes, items, trace });
  const staged = request.staged && (await stepWith(sql, request, request.staged, revision));
  return { change: changeId(revision), revision, items, ...(staged === undefined ? {} : { staged }) };
}

// Two requests created the same resource (or claimed the same number) at once: the loser starts again and finds it.
const RACED = new Set(['resource_identity', 'service_address_mesh_number_key', 'staged_change_open']);
/** @see RACED */
export const raced = (error: unknown): boolean =>
  error instanceof Raced || (codeOf(error) === UNIQUE_VIOLATION && RACED.has(constraintOf(error)));

export interface WriterDeps {
  readonly database: Database;
  readonly log: Log;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly traces: ChangeTraces;
}

/** Carries out write requests: one transaction each, with its audit entry, or nothing at all. */
export class ResourceWriter {
  constructor(private readonly deps: WriterDeps) {}

  write(request: WriteRequest): Promise<Result<WriteOutcome, StoreRefusal>> {
    const values = { 'db.system.name': 'postgresql', 'heddle.mesh': request.mesh };
    return this.deps.tracer.run('change commit', (span) => this.#write(request, span), { kind: 'client', values });
  }

  async #write(request: WriteRequest, span: Span): Promise<Result<WriteOutcome, StoreRefusal>> {
    const { database, clock, tracer, traces } = this.deps;
    const trace = tracer.current();
    try {
      const outcome = await database.transaction((sql) => writeIn(sql, request, trace), { alsoRetry: raced });
      const { revision, change, items } = outcome;
      // The feed may read it before the hint is heard.
      if (trace !== undefined && change !== '') traces.note({ revision, traceparent: trace, heardAt: clock.now() });
      span.tell('heddle.revision', revision);
      span.set('heddle.resources', items.length);
      return ok(outcome);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      span.set('heddle.refused', error.refusal.code);
      await auditRefusal(this.deps, request, error.refusal);
      return err(error.refusal);
    }
  }
}

import { sortedBy } from '#libs/kernel';
import { resourceKey } from '#libs/model';
import { documentHash } from '../audit/chain.js';
import type { Sql } from '../database.js';
import { updateAddresses } from '../resources/addresses.js';
import { changesOf, idOf, type Step } from '../resources/evaluate.js';
import { claimHostnames } from '../resources/hostnames.js';
import { claimKey, rememberOutcome } from '../resources/idempotency.js';
import { Refused } from '../resources/refused.js';
import { decide } from '../resources/write.js';
import { documentOf } from './rows.js';
import type { StagedItem, StagedState, StageRequest } from './staged.port.js';
import { type Stepping, takeStep } from './step.js';

const OPEN = `SELECT 's-' || number AS change FROM staged_change WHERE mesh = $1 AND state IN ('canary', 'held') FOR SHARE`;

const INSERT = `
INSERT INTO staged_change (mesh, state, options, actor, role, ip, request_id, message, reverts, members, revision, reason)
VALUES ($1, $2, $3::json, $4, $5, $6, $7, $8, $9, $10::json, 0, $11) RETURNING number`;

const ITEMS = `
INSERT INTO change_item (change, mesh, kind, namespace, name, op, document)
SELECT $1, $2, i.kind, i.namespace, i.name, i.op, i.document::json
FROM json_to_recordset($3::json) AS i(kind text, namespace text, name text, op text, document text)`;

/** Keeps a change aside. @returns its id; undefined when it would change nothing. @throws Refused */
export async function stageIn({ sql, trace }: Stepping, request: StageRequest): Promise<string | undefined> {
  const first = await claimKey(sql, request);
  if (first !== undefined) return first.change;
  const steps = changesOf(await decide(sql, request));
  if (steps.length === 0) return undefined;
  await rehearse(sql, request, steps);
  // Callers listen where they will: numbers are the same in the lane and for everybody later.
  await updateAddresses(
    sql,
    request.mesh,
    steps.filter((step) => step.op === 'created'),
  );
  const [open] = await sql.query<{ change: string }>(OPEN, [request.mesh]);
  const id = await insert(sql, request, open?.change);
  const items = itemsOf(request, steps);
  const records = items.map((item) => ({ ...item.id, op: item.op, document: JSON.stringify(documentOf(item)) }));
  await sql.query(ITEMS, [id.text, request.mesh, JSON.stringify(records)]);
  const { actor, mesh, message, reverts, options, members } = request;
  const to: StagedState = open ? 'queued' : 'canary';
  const staged = { id: id.text, to, options, members: open ? [] : members, items: steps.map(audited) };
  const revision = await takeStep({ sql, trace }, id.number, { actor, mesh, message, reverts, staged });
  if (request.ifRevision !== undefined && revision !== request.ifRevision + 1)
    throw new Refused({ code: 'revision-moved' });
  await rememberOutcome(sql, request, { change: id.text, revision, items: [] });
  return id.text;
}

/** Whether its host names are free now; nothing is claimed before it is everybody's. */
async function rehearse(sql: Sql, { mesh }: StageRequest, steps: readonly Step[]): Promise<void> {
  await sql.query('SAVEPOINT rehearsal');
  await claimHostnames(sql, mesh, steps);
  await sql.query('ROLLBACK TO SAVEPOINT rehearsal');
}

async function insert(
  sql: Sql,
  { mesh, actor, message, reverts, options, members }: StageRequest,
  behind: string | undefined,
): Promise<{ readonly number: number; readonly text: string }> {
  const [row] = await sql.query<{ number: number }>(INSERT, [
    ...[mesh, behind ? 'queued' : 'canary', JSON.stringify(options), actor.name, actor.role, actor.ip, actor.requestId],
    ...[message, reverts ?? null, JSON.stringify(behind ? [] : members), behind ? `${behind} is open` : ''],
  ]);
  if (row === undefined) throw new Error('a staged change was not stored');
  return { number: row.number, text: `s-${row.number}` };
}

/** The writes, each to be refused at the end unless its resource is still as it was. */
function itemsOf(request: StageRequest, steps: readonly Step[]): readonly StagedItem[] {
  const known = new Map(request.items.map((item) => [resourceKey(idOf(item)), item]));
  return sortedBy(steps, resourceKey).flatMap((step): StagedItem[] => {
    const item = known.get(resourceKey(step));
    const { kind, namespace, name } = step;
    const id = { kind, namespace, name };
    const ifVersion = step.op === 'deleted' ? step.version : step.version - 1;
    if (item?.op === 'put' && step.after)
      return [{ op: 'put', id, manifest: step.after, hostnames: step.hostnames, ifVersion }];
    return [{ op: 'delete', id, ifVersion }];
  });
}

const audited = ({ op, kind, namespace, name, before, after }: Step): object => ({
  ...{ op, kind, namespace, name },
  before: documentHash(before),
  after: documentHash(after),
});

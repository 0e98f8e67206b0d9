/** What writes have to do with staged changes, within their transaction. */
import type { ResourceId } from '#libs/model';
import type { Sql } from '../database.js';
import type { WriteRequest } from '../ports.js';
import { Refused } from '../resources/refused.js';
import { numberOf } from './rows.js';
import type { StagedWrite } from './staged-write.port.js';

/** Kind under which the feed is told of the steps of staged changes. */
export const STAGED_KIND = 'StagedChange';
/** In the log of a revision behind everything that it wrote. */
const LAST_POSITION = 1_000_000;

const HOLDERS = `
SELECT 's-' || s.number AS change, i.kind, i.namespace, i.name
FROM staged_change s JOIN change_item i ON i.change = 's-' || s.number
JOIN unnest($2::text[], $3::text[], $4::text[]) AS k(kind, namespace, name)
  ON k.kind = i.kind AND k.namespace = i.namespace AND k.name = i.name
WHERE s.mesh = $1 AND s.state IN ('canary', 'held') AND s.number <> $5 LIMIT 1`;

/**
 * Nobody else writes what an open change holds: what its proxies have would no longer be what everybody is given.
 * @throws Refused `staged`, with the change
 */
export async function requireFree(sql: Sql, { mesh, staged }: WriteRequest, ids: readonly ResourceId[]): Promise<void> {
  const own = staged !== undefined && 'promote' in staged ? numberOf(staged.promote) : 0;
  const [held] = await sql.query<ResourceId & { change: string }>(HOLDERS, [
    mesh,
    ids.map((id) => id.kind),
    ids.map((id) => id.namespace),
    ids.map((id) => id.name),
    own,
  ]);
  if (held) throw new Refused({ code: 'staged', ...held });
}

const WATCH = `
INSERT INTO staged_change (mesh, state, options, actor, role, ip, request_id, message, reverts, revision, applied_revision, deadline)
SELECT $1, 'watched', o::json, $3, $4, $5, $6, $7, $8, $9, $9,
  CASE WHEN (o::json->>'confirmMs')::bigint > 0 THEN now() + (o::json->>'confirmMs')::bigint * interval '1 millisecond' END
FROM (SELECT $2::text AS o) given
RETURNING number`;

const PROMOTE = `
UPDATE staged_change SET state = 'watched', revision = $2, applied_revision = $2, reason = '', step_at = now(),
  deadline = CASE WHEN (options->>'confirmMs')::bigint > 0
    THEN now() + (options->>'confirmMs')::bigint * interval '1 millisecond' END
WHERE number = $1 AND state IN ('canary', 'held') RETURNING number`;

const UNDO = `
UPDATE staged_change SET state = 'reverted', revision = $2, reason = $3, step_at = now(), deadline = NULL
WHERE number = $1 AND state = 'watched' RETURNING number`;

const LOG = `
INSERT INTO change_log (stream, revision, position, op, uid, mesh, kind, namespace, name)
VALUES ('config', $1, ${LAST_POSITION}, 'put', $3, $2, '${STAGED_KIND}', '', $3)`;

const logStep = (sql: Sql, revision: number, mesh: string, id: string): Promise<unknown> =>
  sql.query(LOG, [revision, mesh, id]);

/**
 * The step that goes with a write, under its revision.
 * @returns the staged change
 * @throws Refused `staged-moved` when it is not what it was
 */
export async function stepWith(
  sql: Sql,
  request: WriteRequest,
  staged: StagedWrite,
  revision: number,
): Promise<string> {
  const { mesh, actor, message } = request;
  if ('watch' in staged) {
    const { name, role, ip, requestId } = actor;
    const [row] = await sql.query<{ number: number }>(WATCH, [
      ...[mesh, JSON.stringify(staged.watch), name, role, ip, requestId],
      ...[message, request.reverts ?? null, revision],
    ]);
    const id = `s-${row?.number}`;
    await logStep(sql, revision, mesh, id);
    return id;
  }
  const id = 'promote' in staged ? staged.promote : staged.undo;
  const moved =
    'promote' in staged
      ? await sql.query(PROMOTE, [numberOf(id), revision])
      : await sql.query(UNDO, [numberOf(id), revision, staged.reason]);
  if (moved.length === 0) throw new Refused({ code: 'staged-moved', change: id });
  await logStep(sql, revision, mesh, id);
  return id;
}

import { valueHash } from '#libs/kernel';
import type { Sql } from '../database.js';
import type { WriteOutcome, WriteRequest } from '../ports.js';
import { Refused } from './refused.js';

/** How long the outcome of a keyed request is remembered (REL-39). */
export const IDEMPOTENCY_HOURS = 24;

interface Remembered {
  readonly request_hash: string;
  readonly revision: number | null;
  readonly change: string | null;
  readonly items: WriteOutcome['items'] | null;
}

/** Identity of a request: everything but who sent it, and how often. */
export const requestHash = (request: WriteRequest): string =>
  valueHash({
    ...{ mesh: request.mesh, message: request.message, items: request.items, reverts: request.reverts },
    ...(request.staged === undefined ? {} : { staged: request.staged }),
  });

// What is remembered for longer than it should be counts as forgotten.
const CLAIM = `
INSERT INTO idempotency AS i (actor, key, request_hash) VALUES ($1, $2, $3)
ON CONFLICT (actor, key) DO UPDATE
  SET request_hash = EXCLUDED.request_hash, revision = NULL, change = NULL, items = NULL, at = now()
  WHERE i.at < now() - interval '${IDEMPOTENCY_HOURS} hours'
RETURNING key`;

/**
 * Claims the request's key in this transaction. A concurrent request with the same key waits here until the first one
 * has committed, and then finds its outcome.
 * @returns the outcome of the first request, if there was one
 * @throws Refused `idempotency-mismatch`
 */
export async function claimKey(sql: Sql, request: WriteRequest): Promise<WriteOutcome | undefined> {
  const key = request.idempotencyKey;
  if (key === undefined) return undefined;
  const id = [request.actor.name, key];
  const hash = requestHash(request);
  const claimed = await sql.query(CLAIM, [...id, hash]);
  if (claimed.length > 0) return undefined;
  const [first] = await sql.query<Remembered>(
    'SELECT request_hash, revision, change, items FROM idempotency WHERE actor = $1 AND key = $2',
    id,
  );
  if (first === undefined || first.request_hash !== hash) throw new Refused({ code: 'idempotency-mismatch', key });
  return { change: first.change ?? '', revision: first.revision ?? 0, items: first.items ?? [] };
}

/** Remembers the outcome of a request that changed nothing; a change does it in its own statement. */
export async function rememberOutcome(sql: Sql, request: WriteRequest, outcome: WriteOutcome): Promise<void> {
  if (request.idempotencyKey === undefined) return;
  await sql.query('UPDATE idempotency SET revision = $3, change = $4, items = $5 WHERE actor = $1 AND key = $2', [
    request.actor.name,
    request.idempotencyKey,
    outcome.revision,
    outcome.change,
    JSON.stringify(outcome.items),
  ]);
}

import { createHash } from 'node:crypto';
import { storable } from '../audit/columns.js';
import type { Sql } from '../database.js';
import type { SignalPage, SignalPart, StoredFailure } from './signal.port.js';
import { FINEST_S, tableOf, VIEWS } from './tables.js';

/** Of the resolution that is made of what is written here. Milliseconds. */
const NEXT_MS = 60_000;

// Held until the end: nobody makes the next resolution of what is not seen yet.
const ROLLED = `SELECT rolled_until FROM signal_tier WHERE tier = ${NEXT_MS / 1000} FOR SHARE`;
const IN_RANGE = `SELECT 1 FROM signal_range WHERE tier = ${FINEST_S} AND lower <= $1 AND upper > $1`;
const NEW_PART = `
INSERT INTO signal_part (tier, at, mesh, source, hash, complete) VALUES (${FINEST_S}, $1, $2, $3, $4, $5)
ON CONFLICT (tier, at, mesh, source) DO NOTHING RETURNING 1`;
const OTHER_PART = `
UPDATE signal_part SET hash = $4, complete = $5 WHERE tier = ${FINEST_S} AND at = $1 AND mesh = $2 AND source = $3 AND hash <> $4
RETURNING 1`;
const REDO = 'INSERT INTO signal_redo (tier, at) VALUES ($1, $2) ON CONFLICT DO NOTHING';
const FORGET_FAILURES = 'DELETE FROM signal_failure WHERE part = $1 AND mesh = $2 AND source = $3';
// Those of a range that is gone already, or not there yet, are left out.
const FAILURES = `
INSERT INTO signal_failure (at, mesh, source, part, n, what, request_id, caller, caller_instance, callee, subset, instance, route,
  outcome, status, flags, details, method, path, duration_ms, attempt)
SELECT f.at, $2, $3, $4, f.n, f.what, f."requestId", f.caller, f."callerInstance", f.callee, f.subset, f.instance, f.route,
  f.outcome, f.status, f.flags, f.details, f.method, f.path, f."durationMs", f.attempt
FROM json_to_recordset($1::json) AS f(at bigint, n integer, what text, "requestId" text, caller text, "callerInstance" text,
  callee text, subset text, instance text, route text, outcome text, status integer, flags text, details text, method text,
  path text, "durationMs" float8, attempt integer)
WHERE EXISTS (SELECT 1 FROM signal_range r WHERE r.tier = 0 AND r.lower <= f.at AND r.upper > f.at)`;

/** One statement for all pages of a view. */
export const insertPages = (view: SignalPage['view']): string => `
INSERT INTO ${tableOf(view)} (tier, at, mesh, callee, source, cells)
SELECT $1, $2, $3, p.shelf, $4, p.cells FROM unnest($5::text[], $6::bytea[]) AS p(shelf, cells)`;

export const deletePages = (view: SignalPage['view']): string =>
  `DELETE FROM ${tableOf(view)} WHERE tier = $1 AND at = $2 AND mesh = $3 AND source = $4`;

const texts = (failure: StoredFailure): object =>
  Object.fromEntries(
    Object.entries(failure).map(([name, value]) => [name, typeof value === 'string' ? storable(value) : value]),
  );

function hashOf(part: SignalPart): string {
  const hash = createHash('sha256').update(JSON.stringify([part.complete, part.failures]));
  const pages = part.pages.map(({ view, shelf, cells }) => ({ name: `${view} ${shelf}`, cells }));
  for (const { name, cells } of pages.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`${name.length} ${name} ${cells.length} `).update(cells);
  }
  return hash.digest('base64url');
}

export interface Place {
  readonly tier: number;
  readonly at: number;
  readonly mesh: string;
  readonly source: string;
}

export async function writePages(sql: Sql, place: Place, pages: readonly SignalPage[]): Promise<void> {
  for (const view of VIEWS) {
    const own = pages.filter((page) => page.view === view);
    if (own.length === 0) continue;
    const columns = [own.map(({ shelf }) => storable(shelf)), own.map(({ cells }) => Buffer.from(cells))];
    await sql.query(insertPages(view), [place.tier, place.at, place.mesh, place.source, ...columns]);
  }
}

export async function removePages(sql: Sql, { tier, at, mesh, source }: Place): Promise<void> {
  for (const view of VIEWS) await sql.query(deletePages(view), [tier, at, mesh, source]);
}

/** See `Signals.write`. @returns undefined when there is no range for it */
export async function writePart(sql: Sql, part: SignalPart): Promise<boolean | undefined> {
  const { at, complete } = part;
  const [mesh, source] = [storable(part.mesh), storable(part.source)];
  const [rolled] = await sql.query<{ rolled_until: number }>(ROLLED);
  if ((await sql.query(IN_RANGE, [at])).length === 0) return undefined;
  const row = [at, mesh, source, hashOf(part), complete];
  const place = { tier: FINEST_S, at, mesh, source };
  if ((await sql.query(NEW_PART, row)).length === 0) {
    if ((await sql.query(OTHER_PART, row)).length === 0) return true;
    await removePages(sql, place);
    await sql.query(FORGET_FAILURES, [at, mesh, source]);
  }
  await writePages(sql, place, part.pages);
  if (part.failures.length > 0) {
    const rows = part.failures.map((failure, n) => ({ ...texts(failure), n }));
    await sql.query(FAILURES, [JSON.stringify(rows), mesh, source, at]);
  }
  if (at < (rolled?.rolled_until ?? 0)) await sql.query(REDO, [NEXT_MS / 1000, Math.floor(at / NEXT_MS) * NEXT_MS]);
  return true;
}

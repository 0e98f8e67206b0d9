import type { Sql } from '../database.js';
import type { Page } from '../values.port.js';
import type { FailureQuery, StoredFailure } from './signal.port.js';

const MAX_PAGE = 500;
const COLUMNS = `at, what, request_id AS "requestId", caller, caller_instance AS "callerInstance", callee, subset, instance, route,
  outcome, status, flags, details, method, path, duration_ms AS "durationMs", attempt, source, part, n`;

interface Row extends StoredFailure {
  readonly source: string;
  readonly part: number;
  readonly n: number;
}

const encode = ({ at, source, part, n }: Row): string =>
  Buffer.from(JSON.stringify([at, source, part, n])).toString('base64url');

/** Undefined for what is none of ours: then it begins at the newest. */
function decode(cursor: string | undefined): readonly unknown[] | undefined {
  if (cursor === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(value) || value.length !== 4) return undefined;
    const [at, source, part, n]: readonly unknown[] = value;
    const isOurs = [at, part, n].every(Number.isSafeInteger) && typeof source === 'string' && !source.includes('\0');
    return isOurs ? [at, source, part, n] : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** See `Signals.failures`. */
export async function searchFailures(sql: Sql, query: FailureQuery): Promise<Page<StoredFailure>> {
  const parameters: unknown[] = [];
  const parameter = (value: unknown): string => `$${parameters.push(value)}`;
  const conditions = [
    `mesh = ${parameter(query.mesh)}`,
    `at >= ${parameter(query.from)}::bigint`,
    `at < ${parameter(query.to)}::bigint`,
  ];
  const equal = {
    caller: query.caller,
    instance: query.instance,
    route: query.route,
    outcome: query.outcome,
    request_id: query.requestId,
  };
  for (const [column, value] of Object.entries(equal))
    if (value !== undefined) conditions.push(`${column} = ${parameter(value)}`);
  if (query.callee !== undefined)
    conditions.push(`callee >= ${parameter(query.callee)} AND callee < ${parameter(`${query.callee.slice(0, -1)}0`)}`);
  const after = decode(query.cursor);
  if (after) {
    const [at, source, part, n] = after.map(parameter);
    conditions.push(
      `at <= ${at}::bigint AND (at, source, part, n) < (${at}::bigint, ${source}, ${part}::bigint, ${n}::integer)`,
    );
  }
  const limit = Math.min(Math.max(1, Math.trunc(query.limit)), MAX_PAGE);
  const rows = await sql.query<Row>(
    `SELECT ${COLUMNS} FROM signal_failure WHERE ${conditions.join(' AND ')}
     ORDER BY at DESC, source DESC, part DESC, n DESC LIMIT ${limit + 1}`,
    parameters,
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ source: _s, part: _p, n: _n, ...failure }) => failure),
    cursor: rows.length > limit && last !== undefined ? encode(last) : undefined,
  };
}

import type { Sql } from '../database.js';
import { NOW_MS } from '../sql-time.js';
import type { SignalBucket, SignalQuery, SignalRow, SignalSpan, SignalTier, SignalTimes } from './signal.port.js';
import { eachSpan, FINEST_S, tableOf } from './tables.js';

const TIMES = `
SELECT t.tier, t.rolled_until, (SELECT min(lower) FROM signal_range r WHERE r.tier = t.tier) AS kept_from,
  ${NOW_MS} AS now
FROM signal_tier t WHERE t.tier > 0 ORDER BY t.tier`;
const NEWEST = `SELECT at FROM signal_part WHERE tier = ${FINEST_S} AND mesh = $1 ORDER BY at DESC LIMIT 1`;

interface TierRow {
  readonly tier: number;
  readonly rolled_until: number;
  readonly kept_from: number | null;
  readonly now: number;
}

export async function readTimes(sql: Sql, mesh: string): Promise<SignalTimes> {
  const rows = await sql.query<TierRow>(TIMES);
  const [newest] = await sql.query<{ at: number }>(NEWEST, [mesh]);
  const now = rows[0]?.now ?? 0;
  const tiers = rows.map(
    ({ tier, rolled_until: rolled, kept_from: kept }): SignalTier => ({
      lengthMs: tier * 1000,
      keptFrom: kept ?? now,
      until: tier === FINEST_S ? Number.POSITIVE_INFINITY : rolled,
    }),
  );
  return { now, newest: newest === undefined ? 0 : newest.at + FINEST_S * 1000, tiers };
}

/** The statement of a query, for tests that ask how it is carried out. */
export function signalStatement({ mesh, view, spans, service }: SignalQuery): {
  readonly text: string;
  readonly parameters: readonly unknown[];
} {
  // What begins with `a/` lies before `a0`, which is the next character.
  const [condition, parameters] = service
    ? [
        ' AND (callee = $2 OR callee >= $3 AND callee < $4)',
        [service.shelf, service.prefix, `${service.prefix.slice(0, -1)}0`],
      ]
    : ['', []];
  const text = eachSpan(
    spans,
    (span) => `SELECT at, callee AS shelf, cells FROM ${tableOf(view)} WHERE ${span} AND mesh = $1${condition}`,
  );
  return { text, parameters: [mesh, ...parameters] };
}

export async function readPages(sql: Sql, query: SignalQuery): Promise<readonly SignalRow[]> {
  if (query.spans.length === 0) return [];
  const { text, parameters } = signalStatement(query);
  return sql.query<SignalRow>(text, parameters);
}

export async function readIncomplete(sql: Sql, mesh: string, spans: readonly SignalSpan[]): Promise<readonly number[]> {
  if (spans.length === 0) return [];
  const text = eachSpan(spans, (span) => `SELECT at FROM signal_part WHERE ${span} AND mesh = $1 AND NOT complete`);
  return (await sql.query<{ at: number }>(text, [mesh])).map(({ at }) => at);
}

export async function readBuckets(
  sql: Sql,
  mesh: string,
  spans: readonly SignalSpan[],
): Promise<readonly SignalBucket[]> {
  if (spans.length === 0) return [];
  const each = eachSpan(spans, (span) => `SELECT at, source, hash FROM signal_part WHERE ${span} AND mesh = $1`);
  const text = `SELECT at, string_agg(hash, ' ' ORDER BY source) AS content FROM (${each}) part GROUP BY at`;
  return sql.query<SignalBucket>(text, [mesh]);
}

import type { Database, Sql } from '../database.js';
import { MIGRATE_ROLE, mayActAs } from '../roles.js';
import { StoreClient, sessionConfig } from '../session.js';
import { appendAudit } from './append.js';
import type { Cut, CutRequest } from './audit.port.js';
import { ChainBroken, storeStatement } from './checkpoint.js';
import { requireLease } from './lease.js';
import { type AuditStatement, parseStatement, signStatement } from './statement.js';
import { readExtent, readKeys, startOf, Verification } from './verify.js';
import type { Link } from './walk.js';

/** The login may not change the schema, which the removal of a range of history is. */
export class NotOwner extends Error {
  constructor() {
    super('old history stays: its removal needs a login that owns the tables (database.migrateUrl)');
    this.name = 'NotOwner';
  }
}

interface Range {
  readonly lower: number;
  readonly upper: number;
}

// Ranges that are full, whose every entry is older than the limit, and whose documents nobody is served from.
const RANGES = `
SELECT r.lower, r.upper,
  r.upper <= s.revision
  AND r.upper <= coalesce((SELECT min(use_revision) FROM quarantine), r.upper)
  AND NOT EXISTS (
    SELECT 1 FROM audit_entry e
    WHERE e.revision >= r.lower AND e.revision < r.upper AND e.at > now() - $1 * interval '1 day'
  ) AS old
FROM history_range r, stream s WHERE s.stream = 'config' ORDER BY r.lower`;

const LAST_ENTRY = `
SELECT seq, hash, revision FROM audit_entry WHERE revision >= $1 AND revision < $2 ORDER BY revision DESC, seq DESC LIMIT 1`;

const TABLES = ['change', 'resource_history', 'audit_entry'];
const OWNS = `SELECT pg_has_role(current_user, relowner, 'USAGE') AS owns FROM pg_class WHERE oid = 'audit_entry'::regclass`;

async function removable(sql: Sql, keepDays: number): Promise<readonly Range[]> {
  const ranges = await sql.query<Range & { old: boolean }>(RANGES, [keepDays]);
  const kept = ranges.findIndex(({ old }) => !old);
  return kept < 0 ? ranges : ranges.slice(0, kept);
}

/** Walks the chain up to the last entry of the ranges. @returns the statement that covers what will be removed */
async function vouch(database: Database, ranges: readonly Range[], request: CutRequest): Promise<string> {
  const [first, last] = [ranges[0], ranges.at(-1)];
  if (first === undefined || last === undefined) throw new Error('there is nothing to remove');
  const extent = await readExtent(database);
  const keys = await readKeys(database);
  const start = startOf(extent, keys);
  if ('ok' in start) throw new ChainBroken(start);
  const [end] = await database.query<Link & { revision: number }>(LAST_ENTRY, [first.lower, last.upper]);
  if (end === undefined) throw new ChainBroken({ ok: false, seq: start.seq + 1, reason: 'it is missing' });
  const revision = last.upper - 1;
  const part = { ...extent, ...end, revision, last: null, lastChange: null, vouched: null };
  // The number of resources at the end is what is to be found out: it cannot be compared with that of today.
  const verification = new Verification(database, { extent: part, keys, from: { ...start, resources: undefined } });
  const verdict = await verification.run();
  if (!verdict.ok) throw new ChainBroken(verdict);
  const { cluster, now } = extent;
  const resources = (start.resources ?? 0) + verification.alive;
  const place = { cluster, seq: end.seq, hash: end.hash, revision, resources, at: now.toISOString() };
  return signStatement({ type: 'heddle-audit-cut/v1', ...place }, request.signer);
}

/** One transaction as the owner of the tables. */
async function asOwner<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const config = { connectionString: url, ...sessionConfig({ applicationName: 'heddle-retention' }) };
  const client = new StoreClient(config);
  try {
    await client.connect();
    const sql: Sql = {
      query: async <Row extends object>(text: string, parameters: readonly unknown[] = []) =>
        (await client.query<Row>(text, [...parameters])).rows,
    };
    if (await mayActAs(sql, MIGRATE_ROLE)) await sql.query(`SET ROLE ${MIGRATE_ROLE}`);
    const [row] = await sql.query<{ owns: boolean }>(OWNS);
    if (row?.owns !== true) throw new NotOwner();
    await sql.query('BEGIN');
    const value = await work(sql); // a failure ends the connection, and with it the transaction
    await sql.query('COMMIT');
    return value;
  } finally {
    await client.end().catch(() => client.abort());
  }
}

async function remove(sql: Sql, ranges: readonly Range[], line: string, request: CutRequest): Promise<void> {
  await requireLease(sql, request.lease);
  const { revision, seq } = cutOf(line);
  await appendAudit(sql, {
    action: 'history-cut',
    decision: 'applied',
    actor: request.actor,
    mesh: '',
    message: `history up to revision ${revision} and audit up to entry ${seq} were verified, signed for and removed`,
    items: [],
  });
  await storeStatement(sql, line);
  for (const { lower } of ranges) {
    for (const table of TABLES) await sql.query(`DROP TABLE ${table}_${Number(lower)}`);
  }
  await sql.query('DELETE FROM history_range WHERE lower = ANY ($1)', [ranges.map(({ lower }) => lower)]);
}

function cutOf(line: string): Cut {
  const statement = parseStatement(JSON.parse(line));
  const value: AuditStatement | undefined = statement.ok ? statement.value : undefined;
  if (value?.type !== 'heddle-audit-cut/v1') throw new Error('this is no statement about a cut');
  return value;
}

/** See `AuditTrail.cut`. @param ownerUrl a login that may change the schema */
export async function cutHistory(database: Database, ownerUrl: string, request: CutRequest): Promise<Cut | undefined> {
  const ranges = await removable(database, Math.max(1, request.keepDays));
  if (ranges.length === 0) return undefined;
  await asOwner(ownerUrl, () => Promise.resolve()); // nobody is told of a cut that cannot be made
  const line = await vouch(database, ranges, request);
  await request.deliver(line);
  await asOwner(ownerUrl, (sql) => remove(sql, ranges, line, request));
  return cutOf(line);
}

import type { Sql } from '../database.js';
import type { Page } from '../ports.js';
import type { AuditEntry, AuditQuery } from './audit.port.js';
import { subjectOf } from './columns.js';
import { type EntryRow, toChainEntry } from './verify.js';
import { payloadOf } from './walk.js';

const MAX_PAGE = 500;
const NEWEST: Position = { revision: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER };

/**
 * An entry's time is that of the start of its transaction, so it may be older than that of the entry before it; by far
 * less than this. It lets a time be turned into a revision, by which the ranges of history are told apart.
 */
const SKEW = `interval '10 minutes'`;

interface Position {
  readonly revision: number;
  readonly seq: number;
}

const encode = ({ revision, seq }: Position): string => `${revision}.${seq}`;

/** The beginning for a cursor that is not ours. */
function decode(cursor: string | undefined): Position {
  const [, revision, seq] = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? '') ?? [];
  return revision === undefined ? NEWEST : { revision: Number(revision), seq: Number(seq) };
}

/** Conditions with their parameters. */
class Where {
  readonly parameters: unknown[] = [];
  readonly #conditions: string[] = [];

  /** @param text with `?` for the value */
  and(text: string, value: unknown): void {
    if (value === undefined) return;
    this.#conditions.push(text.replaceAll('?', this.parameter(value)));
  }

  parameter(value: unknown): string {
    this.parameters.push(value);
    return `$${this.parameters.length}`;
  }

  toString(): string {
    return this.#conditions.join(' AND ');
  }
}

/** The statement of a search, for tests that ask how it is carried out. */
export function searchStatement(query: AuditQuery): { readonly text: string; readonly parameters: readonly unknown[] } {
  const { revision, seq } = decode(query.cursor);
  const where = new Where();
  where.and('a.mesh = ?', query.mesh);
  const after = [where.parameter(revision), where.parameter(seq)].map((p) => `${p}::bigint`);
  where.and('a.actor = ?', query.actor);
  where.and('a.action = ?', query.action);
  where.and('a.at >= ?::timestamptz', query.since);
  where.and('a.at < ?::timestamptz', query.until);
  where.and(
    `a.revision >= coalesce((SELECT revision FROM audit_entry WHERE at < ?::timestamptz - ${SKEW} ORDER BY at DESC LIMIT 1), 0)`,
    query.since,
  );
  where.and(
    `a.revision <= coalesce((SELECT revision FROM audit_entry WHERE at > ?::timestamptz + ${SKEW} ORDER BY at LIMIT 1), ${Number.MAX_SAFE_INTEGER})`,
    query.until,
  );
  // In words, not as a parameter, so that the index of the few that were refused is seen to fit.
  const decision =
    query.decision === undefined ? '' : `AND a.decision = '${query.decision === 'applied' ? 'applied' : 'refused'}'`;
  const conditions = `${where} ${decision} AND a.revision <= ${after[0]} AND (a.revision, a.seq) < (${after[0]}, ${after[1]})`;
  const limit = where.parameter(Math.min(Math.max(1, Math.trunc(query.limit)), MAX_PAGE) + 1);
  const newest = `ORDER BY a.revision DESC, a.seq DESC LIMIT ${limit}`;
  if (query.resource === undefined)
    return { text: `SELECT a.* FROM audit_entry a WHERE ${conditions} ${newest}`, parameters: where.parameters };
  const { kind, namespace, name } = query.resource;
  const id = [kind, namespace, name].map((part) => where.parameter(part));
  const subject = where.parameter(subjectOf(query.resource));
  // What was applied is found by history; what was refused is not in it. Entries of tokens have the revision of the change
  // before them, but no subjects.
  const text = `
SELECT a.* FROM (
  (SELECT a.* FROM resource_history h JOIN audit_entry a ON a.revision = h.revision AND a.decision = 'applied' AND a.subjects <> '{}'
   WHERE h.mesh = $1 AND h.kind = ${id[0]} AND h.namespace = ${id[1]} AND h.name = ${id[2]} AND h.revision <= ${after[0]} AND ${conditions}
   ORDER BY h.revision DESC LIMIT ${limit})
  UNION ALL
  (SELECT a.* FROM audit_entry a WHERE a.decision = 'refused' AND a.subjects @> ARRAY[${subject}]::text[] AND ${conditions} ${newest})
) a ${newest}`;
  return { text, parameters: where.parameters };
}

export const toAuditEntry = (row: EntryRow): AuditEntry => {
  const entry = toChainEntry(row);
  const { seq, revision, at, prev, hash } = entry;
  return { seq, revision, at, prev, hash, payload: payloadOf(entry) };
};

/** See `AuditTrail.search`. */
export async function searchAudit(sql: Sql, query: AuditQuery): Promise<Page<AuditEntry>> {
  const { text, parameters } = searchStatement(query);
  const rows = await sql.query<EntryRow>(text, parameters);
  const limit = Math.min(Math.max(1, Math.trunc(query.limit)), MAX_PAGE);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(toAuditEntry),
    cursor: rows.length > limit && last !== undefined ? encode(last) : undefined,
  };
}

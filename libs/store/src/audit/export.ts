import { canonicalJson } from '#libs/kernel';
import type { Sql } from '../database.js';
import { toAuditEntry } from './search.js';
import { parseStatement } from './statement.js';
import { BATCH, ENTRIES, type EntryRow, type Extent, readExtent } from './verify.js';
import { BEGINNING, type Link } from './walk.js';

export const EXPORT = 'heddle-audit-export/v1';
export const ENTRY = 'heddle-audit-entry/v1';
export const END = 'heddle-audit-end/v1';

const KEYS = `SELECT document FROM audit_statement WHERE kind = 'key' ORDER BY id`;
const STATEMENTS = `
SELECT seq, document FROM audit_statement WHERE kind <> 'key' AND seq > $1 AND seq <= $2 ORDER BY seq, id`;

interface StatementRow {
  readonly seq: number;
  readonly document: string;
}

interface Place extends Link {
  readonly revision: number;
}

function startOf({ cut }: Extent): Place {
  const statement = cut === null ? undefined : parseStatement(JSON.parse(cut));
  if (statement?.ok !== true || !('seq' in statement.value)) return { ...BEGINNING, revision: 0 };
  const { seq, hash, revision } = statement.value;
  return { seq, hash, revision };
}

/** Entries after the start, each followed by the statements that vouch for it. */
async function* chainLines(sql: Sql, start: Place, head: number, signal?: AbortSignal): AsyncGenerator<string> {
  let last: Pick<Place, 'revision' | 'seq'> = start;
  for (;;) {
    const rows = await sql.query<EntryRow>(ENTRIES, [last.revision, last.seq, head]);
    const statements = await sql.query<StatementRow>(STATEMENTS, [last.seq, rows.at(-1)?.seq ?? head]);
    for (const row of rows) {
      yield canonicalJson({ type: ENTRY, ...toAuditEntry(row) });
      for (const { document } of statements.filter(({ seq }) => seq === row.seq)) yield document;
    }
    last = rows.at(-1) ?? last;
    if (rows.length < BATCH || signal?.aborted) return;
  }
}

/**
 * Everything that is needed to verify the chain elsewhere, line by line: a header; the keys; the cut that the chain
 * starts after; each entry, followed by the statements that vouch for it; the end. The chain only grows, so that no
 * transaction is held open for a reader who is slow.
 */
export async function* exportLines(sql: Sql, signal?: AbortSignal): AsyncGenerator<string> {
  const extent = await readExtent(sql);
  const start = startOf(extent);
  const { cluster, seq, hash } = extent;
  yield canonicalJson({ type: EXPORT, cluster, at: extent.now.toISOString(), seq: start.seq, hash: start.hash });
  for (const { document } of await sql.query<{ document: string }>(KEYS)) yield document;
  if (extent.cut !== null) yield extent.cut;
  yield* chainLines(sql, start, seq, signal);
  if (!signal?.aborted) yield canonicalJson({ type: END, seq, hash });
}

import type { Sql } from '../database.js';
import { type AuditItem, documentHash, envelopeHash, sha256 } from './chain.js';

export type AuditVerdict =
  | { readonly ok: true; readonly entries: number }
  | { readonly ok: false; readonly seq: number; readonly reason: string };

interface EntryRow {
  readonly seq: number;
  readonly revision: number;
  readonly at: Date;
  readonly decision: string;
  readonly payload: string;
  readonly payload_hash: string;
  readonly prev: string;
  readonly hash: string;
}

interface HistoryRow {
  readonly revision: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

const BATCH = 500;

interface Link {
  readonly seq: number;
  readonly hash: string;
}

function brokenLink(entry: EntryRow, last: Link): string | undefined {
  if (entry.seq !== last.seq + 1) return `entry ${last.seq + 1} is missing`;
  if (entry.prev !== last.hash) return 'does not follow the entry before it';
  if (sha256(entry.payload) !== entry.payload_hash) return 'its payload was changed';
  const { revision, seq, prev } = entry;
  const envelope = { at: entry.at.toISOString(), payload: entry.payload_hash, prev, revision, seq };
  return envelopeHash(envelope) === entry.hash ? undefined : 'its time, revision or hash was changed';
}

/** The documents in history must be those that were audited. */
function brokenDocument(entry: EntryRow, history: readonly HistoryRow[]): string | undefined {
  if (entry.decision !== 'applied') return undefined;
  const { items } = JSON.parse(entry.payload) as { items: readonly AuditItem[] };
  if (items.length !== history.length) return `history has ${history.length} of its ${items.length} items`;
  for (const [index, item] of items.entries()) {
    const row = history[index];
    const same =
      row !== undefined &&
      row.kind === item.kind &&
      row.namespace === item.namespace &&
      row.name === item.name &&
      documentHash(row.before) === item.before &&
      documentHash(row.after) === item.after;
    if (!same) return `history of ${item.kind} ${item.namespace}/${item.name} was changed`;
  }
  return undefined;
}

function byRevision(rows: readonly HistoryRow[]): Map<number, HistoryRow[]> {
  const found = new Map<number, HistoryRow[]>();
  for (const row of rows) {
    const list = found.get(row.revision);
    if (list === undefined) found.set(row.revision, [row]);
    else list.push(row);
  }
  return found;
}

/** Walks the chain from its first entry, in one snapshot. Cutting off the tail shows against the stored head. */
export async function verifyChain(sql: Sql): Promise<AuditVerdict> {
  let last: Link = { seq: 0, hash: '' };
  for (;;) {
    const entries = await sql.query<EntryRow>('SELECT * FROM audit_entry WHERE seq > $1 ORDER BY seq LIMIT $2', [
      last.seq,
      BATCH,
    ]);
    const revisions = entries.filter((entry) => entry.decision === 'applied').map((entry) => entry.revision);
    const history = byRevision(
      await sql.query<HistoryRow>(
        'SELECT * FROM resource_history WHERE revision = ANY($1::bigint[]) ORDER BY revision, position',
        [revisions],
      ),
    );
    for (const entry of entries) {
      const reason = brokenLink(entry, last) ?? brokenDocument(entry, history.get(entry.revision) ?? []);
      if (reason !== undefined)
        return { ok: false, seq: entry.seq === last.seq + 1 ? entry.seq : last.seq + 1, reason };
      last = { seq: entry.seq, hash: entry.hash };
    }
    if (entries.length < BATCH) break;
  }
  const [head] = await sql.query<{ audit_seq: number; audit_hash: string }>(
    `SELECT audit_seq, audit_hash FROM stream WHERE stream = 'config'`,
  );
  if (head === undefined || head.audit_seq !== last.seq || head.audit_hash !== last.hash) {
    return { ok: false, seq: last.seq + 1, reason: `the chain should end with entry ${head?.audit_seq ?? '?'}` };
  }
  return { ok: true, entries: last.seq };
}

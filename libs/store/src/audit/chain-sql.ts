/**
 * How the audit chain goes on, for whichever statement writes an entry: in parts of SQL, since an entry is written in the
 * statement that it is about, and in one place, since a chain of entries that differ in form cannot be verified.
 */

/** Postgres's side of `Envelope.at`: when the transaction began, a timestamptz of whole milliseconds. */
export const TRANSACTION_TIME = `date_trunc('milliseconds', now())`;

/** The text that it hashes is canonical as it stands: keys in order, and values that need no escaping. */
const envelopeHashSql = (payloadHash: string, revision: string): string => `encode(sha256(convert_to(format(
  '{"at":"%s","payload":"%s","prev":"%s","revision":%s,"seq":%s}',
  to_char(${TRANSACTION_TIME} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  ${payloadHash}, audit_hash, ${revision}, audit_seq + 1), 'UTF8')), 'hex')`;

export interface NextEntry {
  /** SQL expression. */
  readonly payloadHash: string;
  /** `next`: the entry takes a config revision; `present`: it goes with none. */
  readonly revision: 'next' | 'present';
  /** SQL condition without which nothing happens. */
  readonly onlyIf?: string;
}

/** Takes the next place in the chain, under the lock of the stream `config`; answers with what `insertEntry` reads. */
export function nextEntry({ payloadHash, revision, onlyIf }: NextEntry): string {
  const after = revision === 'next' ? 'revision + 1' : 'revision';
  return `UPDATE stream
  SET revision = ${after}, audit_seq = audit_seq + 1, audit_prev = audit_hash,
      audit_hash = ${envelopeHashSql(payloadHash, after)}
  WHERE stream = 'config'${onlyIf === undefined ? '' : ` AND (${onlyIf})`}
  RETURNING revision, audit_seq, audit_prev, audit_hash`;
}

/** SQL expressions, `from` the name of what `nextEntry` answered. */
export interface InsertEntry {
  readonly from: string;
  readonly decision: string;
  readonly payload: string;
  readonly payloadHash: string;
  readonly action: string;
  readonly mesh: string;
  readonly actor: string;
  readonly subjects: string;
}

export const insertEntry = (entry: InsertEntry): string => `
  INSERT INTO audit_entry (seq, revision, at, decision, payload, payload_hash, prev, hash, action, mesh, actor, subjects)
  SELECT audit_seq, revision, ${TRANSACTION_TIME}, ${entry.decision}, ${entry.payload}, ${entry.payloadHash}, audit_prev, audit_hash,
    ${entry.action}, ${entry.mesh}, ${entry.actor}, ${entry.subjects}
  FROM ${entry.from}`;

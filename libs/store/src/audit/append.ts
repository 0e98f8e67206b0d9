import { canonicalJson } from '#libs/kernel';
import type { Sql } from '../database.js';
import { type AuditPayload, envelopeSql, NOW_MS, sha256 } from './chain.js';

const APPEND = `
WITH head AS (
  UPDATE stream
  SET audit_seq = audit_seq + 1, audit_prev = audit_hash, audit_hash = ${envelopeSql('$2::text', 'revision')}
  WHERE stream = 'config'
  RETURNING revision, audit_seq, audit_prev, audit_hash
)
INSERT INTO audit_entry (seq, revision, at, decision, payload, payload_hash, prev, hash)
SELECT audit_seq, revision, ${NOW_MS}, $3, $1, $2, audit_prev, audit_hash FROM head`;

/** Adds an entry that goes with no change of a resource: a refusal. */
export async function appendAudit(sql: Sql, payload: AuditPayload): Promise<void> {
  const text = canonicalJson(payload);
  await sql.query(APPEND, [text, sha256(text), payload.decision]);
}

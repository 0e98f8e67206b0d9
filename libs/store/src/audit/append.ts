import { canonicalJson } from '#libs/kernel';
import type { Sql } from '../database.js';
import type { TokenDecision } from './audit.port.js';
import { type AuditPayload, envelopeSql, sha256, TRANSACTION_TIME } from './chain.js';
import { columnsOf } from './columns.js';

const APPEND = `
WITH head AS (
  UPDATE stream
  SET audit_seq = audit_seq + 1, audit_prev = audit_hash, audit_hash = ${envelopeSql('$2::text', 'revision')}
  WHERE stream = 'config'
  RETURNING revision, audit_seq, audit_prev, audit_hash
)
INSERT INTO audit_entry (seq, revision, at, decision, payload, payload_hash, prev, hash, action, mesh, actor, subjects)
SELECT audit_seq, revision, ${TRANSACTION_TIME}, $3, $1, $2, audit_prev, audit_hash, $4, $5, $6, $7::text[] FROM head`;

/** Adds an entry that goes with no change of a resource: a refusal, a cut, a token. */
export async function appendAudit(sql: Sql, payload: AuditPayload): Promise<void> {
  const text = canonicalJson(payload);
  const { action, mesh, actor, subjects } = columnsOf(payload);
  await sql.query(APPEND, [text, sha256(text), payload.decision, action, mesh, actor, subjects]);
}

/** In the transaction that makes or revokes the token, where there is one. */
export const appendToken = (sql: Sql, decision: TokenDecision): Promise<void> =>
  appendAudit(sql, { ...decision, decision: 'applied', message: '', items: [] });

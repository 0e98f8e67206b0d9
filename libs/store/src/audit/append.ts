import { canonicalJson } from '#libs/kernel';
import type { Sql } from '../database.js';
import type { TokenDecision } from './audit.port.js';
import { type AuditPayload, sha256 } from './chain.js';
import { insertEntry, nextEntry } from './chain-sql.js';
import { columnsOf } from './columns.js';

const APPEND = `
WITH head AS (
  ${nextEntry({ payloadHash: '$2::text', revision: 'present' })}
)
${insertEntry({
  ...{ from: 'head', decision: '$3', payload: '$1', payloadHash: '$2' },
  ...{ action: '$4', mesh: '$5', actor: '$6', subjects: '$7::text[]' },
})}`;

/** Adds an entry that goes with no change of a resource: a refusal, a cut, a token. */
export async function appendAudit(sql: Sql, payload: AuditPayload): Promise<void> {
  const text = canonicalJson(payload);
  const { action, mesh, actor, subjects } = columnsOf(payload);
  await sql.query(APPEND, [text, sha256(text), payload.decision, action, mesh, actor, subjects]);
}

/** In the transaction that makes or revokes the token, where there is one. */
export const appendToken = (sql: Sql, decision: TokenDecision): Promise<void> =>
  appendAudit(sql, { ...decision, decision: 'applied', message: '', items: [] });

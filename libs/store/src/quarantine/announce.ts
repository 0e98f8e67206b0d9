import { canonicalJson } from '#libs/kernel';
import { type AuditPayload, sha256 } from '../audit/chain.js';
import { insertEntry, nextEntry } from '../audit/chain-sql.js';
import { columnsOf } from '../audit/columns.js';
import type { Sql } from '../database.js';
import { FEED_CHANNEL } from '../feed/channel.js';
import type { Actor } from '../values.port.js';

/** The resource that the feed is to read again. */
export interface Announced {
  readonly uid: string;
  readonly mesh: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export const SYSTEM: Actor = { name: 'system:quarantine', role: 'system', ip: '', requestId: '' };

/**
 * A revision of its own that touches one resource, so that the feed reads it again; builds that know nothing of quarantine
 * find the row they had. The entry has no items: nothing in history is of this revision.
 */
const ANNOUNCE = `
WITH rev AS (
  ${nextEntry({ payloadHash: '$2::text', revision: 'next' })}
), logged AS (
  INSERT INTO change_log (stream, revision, position, op, uid, mesh, kind, namespace, name)
  SELECT 'config', revision, 0, 'put', $5, $6, $7, $8, $9 FROM rev
), audited AS (
${insertEntry({
  ...{ from: 'rev', decision: "'applied'", payload: '$1', payloadHash: '$2' },
  ...{ action: '$3', mesh: '$6', actor: '$4', subjects: "'{}'" },
})}
)
SELECT pg_notify('${FEED_CHANNEL}', 'config:' || revision)::text FROM rev`;

export async function announce(
  sql: Sql,
  { uid, mesh, kind, namespace, name }: Announced,
  payload: Omit<AuditPayload, 'decision' | 'items' | 'mesh'>,
): Promise<void> {
  const whole: AuditPayload = { ...payload, decision: 'applied', mesh, items: [] };
  const text = canonicalJson(whole);
  const { action, actor } = columnsOf(whole);
  await sql.query(ANNOUNCE, [text, sha256(text), action, actor, uid, mesh, kind, namespace, name]);
}

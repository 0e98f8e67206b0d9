import type { Log } from '#libs/kernel';
import { appendAudit } from '../audit/append.js';
import type { Database } from '../database.js';
import type { StoreRefusal, WriteRequest } from '../ports.js';
import { idOf } from './evaluate.js';

/**
 * REL-10: who was refused, and why, is a decision like any other. It must not turn a refusal into a failure. Who is told
 * to look again was not refused.
 */
export async function auditRefusal(
  { database, log }: { readonly database: Database; readonly log: Log },
  { actor, mesh, message, reverts, items: asked }: WriteRequest,
  refusal: StoreRefusal,
): Promise<void> {
  if (refusal.code === 'revision-moved' || refusal.code === 'unchanged') return;
  const action = reverts === undefined ? 'write' : 'rollback';
  const items = asked.map((item) => ({ op: item.op, ...idOf(item) }));
  try {
    await database.transaction((sql) =>
      appendAudit(sql, { action, decision: 'refused', actor, mesh, message, reverts, reason: refusal, items }),
    );
  } catch (error) {
    log.error('a refusal could not be audited', { mesh, refusal: refusal.code, error: String(error) });
  }
}

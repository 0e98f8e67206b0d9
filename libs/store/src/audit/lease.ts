import type { Sql } from '../database.js';
import { LeaseLost } from '../leases/lease.js';
import type { AuditLease } from './audit.port.js';

// A row of its own, older than `job_lease`, that the release before this one takes too. The fence rises with every holder, so that one that was stalled cannot write for the next one (time is Postgres's).
const TAKE = `
UPDATE audit_lease SET holder = $1, fence = fence + CASE WHEN holder = $1 THEN 0 ELSE 1 END,
  until = clock_timestamp() + $2 * interval '1 millisecond'
WHERE holder = $1 OR until < clock_timestamp()
RETURNING fence`;

// Shared, so that nobody takes the lease before this transaction has ended.
const HELD = `SELECT 1 FROM audit_lease WHERE holder = $1 AND fence = $2 FOR SHARE`;

export async function takeLease(sql: Sql, holder: string, ttlMs: number): Promise<AuditLease | undefined> {
  const [row] = await sql.query<{ fence: number }>(TAKE, [holder, ttlMs]);
  return row && { holder, fence: row.fence };
}

/** To be asked in the transaction that writes. @throws LeaseLost */
export async function requireLease(sql: Sql, { holder, fence }: AuditLease): Promise<void> {
  if ((await sql.query(HELD, [holder, fence])).length === 0) throw new LeaseLost('audit');
}

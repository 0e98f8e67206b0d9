import type { Sql } from '../database.js';
import type { Lease, Leases } from './lease.port.js';

/** Another replica has taken the lease meanwhile: nothing was written. */
export class LeaseLost extends Error {
  constructor(job: string) {
    super(`another replica does the job "${job}" now`);
    this.name = 'LeaseLost';
  }
}

const TAKE = `
INSERT INTO job_lease AS l (name, holder, fence, until)
VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
ON CONFLICT (name) DO UPDATE SET holder = $2, fence = l.fence + CASE WHEN l.holder = $2 THEN 0 ELSE 1 END,
  until = clock_timestamp() + $3 * interval '1 millisecond'
WHERE l.holder = $2 OR l.until <= clock_timestamp()
RETURNING fence`;

// Shared, so that nobody takes the lease before this transaction has ended.
const HELD = `SELECT 1 FROM job_lease WHERE name = $1 AND holder = $2 AND fence = $3 FOR SHARE`;

/** To be asked in the transaction that writes (REL-48). @throws LeaseLost */
export async function requireLease(sql: Sql, { name, holder, fence }: Lease): Promise<void> {
  if ((await sql.query(HELD, [name, holder, fence])).length === 0) throw new LeaseLost(name);
}

export class LeaseRepository implements Leases {
  constructor(private readonly sql: Sql) {}

  async take(name: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    const [row] = await this.sql.query<{ fence: number }>(TAKE, [name, holder, ttlMs]);
    return row && { name, holder, fence: row.fence };
  }
}

import type { Database } from '../database.js';
import type { PlaintextReport, PlaintextUse, PlaintextUses } from './plaintext.port.js';

const REPORT = `
INSERT INTO plaintext_use (mesh, node, port, replica, requests, seen_at)
SELECT mesh, node, port, $2, requests, clock_timestamp()
FROM json_to_recordset($1::json) AS r(mesh text, node text, port text, requests bigint)
ON CONFLICT (mesh, node, port, replica) DO UPDATE SET requests = excluded.requests, seen_at = excluded.seen_at`;
const FORGET = `DELETE FROM plaintext_use WHERE seen_at < clock_timestamp() - interval '1 day'`;
const SEEN = `
SELECT node, port, sum(requests)::bigint AS requests,
  (min(extract(epoch FROM clock_timestamp() - seen_at)) * 1000)::bigint AS age_ms
FROM plaintext_use WHERE mesh = $1 AND seen_at > clock_timestamp() - $2 * interval '1 millisecond'
GROUP BY node, port ORDER BY node, port`;

export class PlaintextRepository implements PlaintextUses {
  constructor(
    private readonly database: Database,
    private readonly replica: string,
  ) {}

  async report(reports: readonly PlaintextReport[]): Promise<void> {
    if (reports.length === 0) return;
    await this.database.query(REPORT, [JSON.stringify(reports), this.replica]);
    await this.database.query(FORGET);
  }

  async seen(mesh: string, withinMs: number): Promise<readonly PlaintextUse[]> {
    const rows = await this.database.query<{ node: string; port: string; requests: number; age_ms: number }>(SEEN, [
      mesh,
      withinMs,
    ]);
    return rows.map(({ age_ms: ageMs, ...row }) => ({ ...row, ageMs }));
  }
}

import type { Database } from '../database.js';
import { DeliveryProgressEntity } from '../entities/delivery-progress.entity.js';
import type { Progress, ProgressRow } from '../ports.js';

const SAVE = `
INSERT INTO delivery_progress (mesh, change, replica, total, acked, refused, behind, at)
SELECT p.mesh, p.change, p.replica, p.total, p.acked, p.refused, p.behind, now()
FROM json_to_recordset($1::json) AS p(mesh text, change bigint, replica text, total int, acked int, refused json, behind json)
ORDER BY p.mesh, p.change, p.replica
ON CONFLICT (mesh, change, replica) DO UPDATE
SET total = EXCLUDED.total, acked = EXCLUDED.acked, refused = EXCLUDED.refused, behind = EXCLUDED.behind, at = EXCLUDED.at`;

/** How far changes have come: one row per change and replica. */
export class ProgressRepository implements Progress {
  constructor(private readonly database: Database) {}

  async save(rows: readonly ProgressRow[]): Promise<void> {
    if (rows.length > 0) await this.database.query(SAVE, [JSON.stringify(rows)]);
  }

  async of(mesh: string, change: number): Promise<readonly ProgressRow[]> {
    return this.database.entities((manager) =>
      manager.find(DeliveryProgressEntity, { where: { mesh, change }, order: { replica: 'ASC' } }),
    );
  }
}

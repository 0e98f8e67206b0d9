import { storable } from '../audit/columns.js';
import type { Database } from '../database.js';
import type { AlertOutbox, NotificationRow, ReceiverDelivery } from './alert.port.js';

const ERROR_LENGTH = 500;

// The oldest of each receiver: one that does not answer holds back nobody but itself.
const DUE = `
SELECT DISTINCT ON (mesh, receiver) id, mesh, receiver, group_key AS "groupKey", payload, attempts,
  (extract(epoch FROM now() - created_at) * 1000)::bigint AS "ageMs"
FROM alert_notification WHERE state = 'queued' AND due_at <= now()
ORDER BY mesh, receiver, due_at, id`;
const QUEUED = `
SELECT receiver, group_key AS "groupKey" FROM alert_notification WHERE mesh = $1 AND state = 'queued'`;
const SENT = `
UPDATE alert_notification SET state = 'sent', attempts = attempts + 1, error = '', done_at = now()
WHERE id = $1 AND state = 'queued'`;
const AGAIN = `
UPDATE alert_notification SET attempts = attempts + 1, error = $2, due_at = now() + $3 * interval '1 millisecond'
WHERE id = $1 AND state = 'queued'`;
const GIVEN_UP = `
UPDATE alert_notification SET state = 'failed', attempts = attempts + 1, error = $2, done_at = now()
WHERE id = $1 AND state = 'queued'`;
const DELIVERIES = `
SELECT receiver, (count(*) FILTER (WHERE state = 'queued'))::int AS queued,
  (count(*) FILTER (WHERE state = 'failed'))::int AS failed, max(done_at) FILTER (WHERE state = 'sent') AS "sentAt",
  coalesce(max(attempts) FILTER (WHERE state = 'queued'), 0) AS attempts,
  coalesce((array_agg(error ORDER BY id) FILTER (WHERE state = 'queued' AND error <> ''))[1],
    (array_agg(error ORDER BY id DESC) FILTER (WHERE state = 'failed'))[1], '') AS error
FROM alert_notification WHERE mesh = $1 GROUP BY receiver ORDER BY receiver`;

type DeliveryRow = Omit<ReceiverDelivery, 'sentAt'> & { readonly sentAt: Date | null };

/** What is to be sent, and what became of it. */
export class OutboxRepository implements AlertOutbox {
  constructor(private readonly database: Database) {}

  due(): Promise<readonly NotificationRow[]> {
    return this.database.query<NotificationRow>(DUE);
  }

  queued(mesh: string): Promise<readonly Pick<NotificationRow, 'receiver' | 'groupKey'>[]> {
    return this.database.query<Pick<NotificationRow, 'receiver' | 'groupKey'>>(QUEUED, [mesh]);
  }

  async sent(id: number): Promise<void> {
    await this.database.query(SENT, [id]);
  }

  async failed(id: number, error: string, retryMs: number | undefined): Promise<void> {
    const words = storable(error).slice(0, ERROR_LENGTH);
    if (retryMs === undefined) await this.database.query(GIVEN_UP, [id, words]);
    else await this.database.query(AGAIN, [id, words, Math.round(retryMs)]);
  }

  async deliveries(mesh: string): Promise<readonly ReceiverDelivery[]> {
    const rows = await this.database.query<DeliveryRow>(DELIVERIES, [mesh]);
    return rows.map((row) => ({ ...row, sentAt: row.sentAt?.toISOString() }));
  }
}

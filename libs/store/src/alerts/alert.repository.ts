import type { Database } from '../database.js';
import { requireLease } from '../leases/lease.js';
import type { Lease } from '../leases/lease.port.js';
import { meshIsGone } from '../retention/mesh-is-gone.js';
import type { Page } from '../values.port.js';
import type { AlertEventRow, AlertGroupRow, AlertHistoryQuery, AlertRow, Alerts, AlertTurn } from './alert.port.js';

const PUT = `
INSERT INTO alert (mesh, fingerprint, namespace, state, document)
SELECT $1, a.fingerprint, a.namespace, a.state, a.document
FROM json_to_recordset($2::json) AS a(fingerprint text, namespace text, state text, document json)
ON CONFLICT (mesh, fingerprint) DO UPDATE
SET namespace = EXCLUDED.namespace, state = EXCLUDED.state, document = EXCLUDED.document`;
const REMOVE = 'DELETE FROM alert WHERE mesh = $1 AND fingerprint = ANY ($2)';
const HAPPENED = `
INSERT INTO alert_event (mesh, fingerprint, namespace, state, document)
SELECT $1, e.fingerprint, e.namespace, e.state, e.document
FROM json_to_recordset($2::json) AS e(fingerprint text, namespace text, state text, document json)`;
const PUT_GROUPS = `
INSERT INTO alert_group (mesh, receiver, group_key, document)
SELECT $1, g.receiver, g."groupKey", g.document
FROM json_to_recordset($2::json) AS g(receiver text, "groupKey" text, document json)
ON CONFLICT (mesh, receiver, group_key) DO UPDATE SET document = EXCLUDED.document`;
const REMOVE_GROUPS = `
DELETE FROM alert_group g USING json_to_recordset($2::json) AS r(receiver text, "groupKey" text)
WHERE g.mesh = $1 AND g.receiver = r.receiver AND g.group_key = r."groupKey"`;
// One waits at most: the next turn tells what came after it.
const ENQUEUE = `
INSERT INTO alert_notification (mesh, receiver, group_key, payload)
SELECT $1, n.receiver, n."groupKey", n.payload
FROM json_to_recordset($2::json) AS n(receiver text, "groupKey" text, payload json)
ON CONFLICT (mesh, receiver, group_key) WHERE state = 'queued' DO NOTHING`;

const HISTORY = `
SELECT id, at, state, document FROM alert_event
WHERE mesh = $1 AND ($2::bigint IS NULL OR id < $2) AND ($3::timestamptz IS NULL OR at >= $3)
  AND ($4::text IS NULL OR fingerprint = $4)
ORDER BY id DESC LIMIT $5`;

const PRUNE = [
  `DELETE FROM alert_event WHERE at < now() - interval '90 days'`,
  // An alert that comes and goes all the time fills no disk.
  'DELETE FROM alert_event WHERE id < (SELECT max(id) FROM alert_event) - 500000',
  `DELETE FROM alert_silence WHERE ends_at < now() - interval '90 days'`,
  `DELETE FROM alert_notification WHERE state <> 'queued' AND done_at < now() - interval '7 days'`,
  `DELETE FROM alert_observation WHERE at < now() - interval '1 day'`,
  ...['alert', 'alert_group'].map((table) => `DELETE FROM ${table} WHERE ${meshIsGone(table)}`),
];

interface Kept {
  readonly document: unknown;
}

const row = (alert: AlertRow, state: string) => ({
  ...{ fingerprint: alert.fingerprint, namespace: alert.labels['namespace'] ?? '', state },
  document: alert,
});

/** Alerts as they are, what happened to them, and what receivers were told. */
export class AlertRepository implements Alerts {
  constructor(private readonly database: Database) {}

  async list(mesh: string): Promise<readonly AlertRow[]> {
    const rows = await this.database.query<Kept>('SELECT document FROM alert WHERE mesh = $1 ORDER BY fingerprint', [
      mesh,
    ]);
    return rows.map(({ document }) => document as AlertRow);
  }

  async history({ mesh, since, fingerprint, limit, cursor }: AlertHistoryQuery): Promise<Page<AlertEventRow>> {
    const before = cursor !== undefined && /^\d{1,15}$/.test(cursor) ? Number(cursor) : null;
    const rows = await this.database.query<Kept & { id: number; at: Date; state: AlertEventRow['state'] }>(HISTORY, [
      ...[mesh, before, since ?? null, fingerprint ?? null],
      limit + 1,
    ]);
    const items = rows.slice(0, limit).map(({ id, at, state, document }) => ({
      ...{ id, at: at.toISOString(), state },
      alert: document as AlertRow,
    }));
    return { items, cursor: rows.length > limit ? String(items.at(-1)?.id) : undefined };
  }

  async groups(mesh: string): Promise<readonly AlertGroupRow[]> {
    const rows = await this.database.query<Kept>('SELECT document FROM alert_group WHERE mesh = $1', [mesh]);
    return rows.map(({ document }) => document as AlertGroupRow);
  }

  async commit(lease: Lease, turn: AlertTurn): Promise<void> {
    const { mesh, put, removed, events, groups, removedGroups, notifications } = turn;
    const statements: readonly (readonly [string, readonly unknown[]])[] = [
      [PUT, put.map((alert) => row(alert, alert.state))],
      [HAPPENED, events.map(({ alert, state }) => row(alert, state))],
      [PUT_GROUPS, groups.map((group) => ({ ...group, document: group }))],
      [REMOVE_GROUPS, removedGroups],
      [ENQUEUE, notifications],
    ];
    await this.database.transaction(async (sql) => {
      await requireLease(sql, lease);
      for (const [statement, list] of statements)
        if (list.length > 0) await sql.query(statement, [mesh, JSON.stringify(list)]);
      if (removed.length > 0) await sql.query(REMOVE, [mesh, removed]);
    });
  }

  async prune(): Promise<void> {
    for (const statement of PRUNE) await this.database.query(statement);
  }
}

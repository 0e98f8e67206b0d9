import { appendAudit } from '../audit/append.js';
import { storable } from '../audit/columns.js';
import type { Database } from '../database.js';
import type { Actor } from '../values.port.js';
import type { NewSilence, SilenceRow, Silences } from './alert.port.js';

const COLUMNS = `id, mesh, namespace, matchers, author, reason, starts_at AS "startsAt", ends_at AS "endsAt",
  ended_by AS "endedBy", ends_at > now() AS active`;
const LIST = `
SELECT ${COLUMNS} FROM alert_silence WHERE mesh = $1 AND ($2 OR ends_at > now()) ORDER BY id DESC LIMIT 500`;
const ADD = `
INSERT INTO alert_silence (mesh, namespace, matchers, author, reason, starts_at, ends_at)
VALUES ($1, $2, $3::json, $4, $5, now(), now() + $6 * interval '1 millisecond') RETURNING ${COLUMNS}`;
const END = `
UPDATE alert_silence SET ends_at = now(), ended_by = $3 WHERE mesh = $1 AND id = $2 AND ends_at > now()
RETURNING ${COLUMNS}`;

type Row = Omit<SilenceRow, 'startsAt' | 'endsAt'> & { readonly startsAt: Date; readonly endsAt: Date };

const toSilence = (row: Row): SilenceRow => ({
  ...row,
  startsAt: row.startsAt.toISOString(),
  endsAt: row.endsAt.toISOString(),
});

/** Silences; who made or ended one, and why, is in the audit by the same transaction. */
export class SilenceRepository implements Silences {
  constructor(private readonly database: Database) {}

  async list(mesh: string, all = false): Promise<readonly SilenceRow[]> {
    return (await this.database.query<Row>(LIST, [mesh, all])).map(toSilence);
  }

  async get(mesh: string, id: number): Promise<SilenceRow | undefined> {
    const query = `SELECT ${COLUMNS} FROM alert_silence WHERE mesh = $1 AND id = $2`;
    const [row] = await this.database.query<Row>(query, [mesh, id]);
    return row && toSilence(row);
  }

  add({ mesh, namespace, matchers, reason, forMs }: NewSilence, by: Actor): Promise<SilenceRow> {
    return this.database.transaction(async (sql) => {
      const values = [
        mesh,
        namespace,
        JSON.stringify(matchers),
        storable(by.name),
        storable(reason),
        Math.round(forMs),
      ];
      const [row] = await sql.query<Row>(ADD, values);
      if (row === undefined) throw new Error('the silence was not stored');
      const silence = toSilence(row);
      await appendAudit(sql, { ...entryOf(silence, by), action: 'silence', message: silence.reason });
      return silence;
    });
  }

  end(mesh: string, id: number, by: Actor): Promise<boolean> {
    return this.database.transaction(async (sql) => {
      const [row] = await sql.query<Row>(END, [mesh, id, storable(by.name)]);
      if (row === undefined) return false;
      await appendAudit(sql, { ...entryOf(toSilence(row), by), action: 'silence-end', message: '' });
      return true;
    });
  }
}

const entryOf = ({ id, mesh, namespace, matchers, endsAt }: SilenceRow, actor: Actor) => ({
  ...{ decision: 'applied' as const, actor, mesh, items: [] },
  reason: { silence: id, namespace, matchers, endsAt },
});

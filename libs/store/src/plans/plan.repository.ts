import type { Database } from '../database.js';
import type { NewPlan, Plans, StoredPlan } from '../ports.js';

const COLUMNS = `id, mesh, actor, revision, document, created_at AS "createdAt", expires_at AS "expiresAt",
  expires_at < now() AS expired`;

const INSERT = `
INSERT INTO plan (id, mesh, actor, revision, document) VALUES ($1, $2, $3, $4, $5::json)
RETURNING created_at AS "createdAt", expires_at AS "expiresAt", expires_at < now() AS expired`;

type Row = Omit<StoredPlan, 'createdAt' | 'expiresAt'> & { readonly createdAt: Date; readonly expiresAt: Date };

const toPlan = (row: Row): StoredPlan => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
});

/** Plans, until they expire. */
export class PlanRepository implements Plans {
  constructor(private readonly database: Database) {}

  async insert(plan: NewPlan): Promise<StoredPlan> {
    const { id, mesh, actor, revision, document } = plan;
    const parameters = [id, mesh, actor, revision, JSON.stringify(document)];
    // Documents have megabytes: this one is not read back.
    const [row] = await this.database.query<Omit<Row, keyof NewPlan>>(INSERT, parameters);
    if (row === undefined) throw new Error(`plan ${id} was not stored`);
    return toPlan({ ...plan, ...row });
  }

  async get(mesh: string, id: string): Promise<StoredPlan | undefined> {
    const [row] = await this.database.query<Row>(`SELECT ${COLUMNS} FROM plan WHERE mesh = $1 AND id = $2`, [mesh, id]);
    return row && toPlan(row);
  }
}

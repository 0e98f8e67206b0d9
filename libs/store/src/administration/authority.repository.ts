import type { Database, Sql } from '../database.js';
import { AuthorityEntity } from '../entities/authority.entity.js';
import { IssuedCertificateEntity } from '../entities/issued-certificate.entity.js';
import type { Authorities, AuthorityRow, AuthorityStage } from '../ports.js';
import { NOW_MS } from '../sql-time.js';

/** Making a key pair on a busy machine may take a while; the others wait for it. */
const ENSURE_LOCK_TIMEOUT = '30s';

const SELECT_ACTIVE = `
SELECT id, mesh, purpose, certificate_pem AS "certificatePem", wrapped_key AS "wrappedKey", not_after AS "notAfter", active
FROM authority WHERE mesh = $1 AND purpose = $2 AND active`;

const INSERT = `
INSERT INTO authority (id, mesh, purpose, certificate_pem, wrapped_key, not_after, active) VALUES ($1, $2, $3, $4, $5, $6, $7)`;

const IN_USE = `EXISTS (SELECT FROM issued_certificate c WHERE c.issuer = a.id AND c.not_after > ${NOW_MS})`;

const STAGES = `
SELECT id, purpose, ${IN_USE} AS "inUse",
  CASE WHEN active THEN 'active' WHEN activated_at IS NULL THEN 'prepared' ELSE 'retired' END AS stage,
  (extract(epoch FROM clock_timestamp() - coalesce(retired_at, activated_at, created_at)) * 1000)::float8 AS "forMs"
FROM authority a WHERE mesh = $1 ORDER BY created_at, id`;

const IS_PREPARED = 'SELECT FROM authority WHERE mesh = $1 AND purpose = $2 AND activated_at IS NULL';

const INSERT_PREPARED = `
INSERT INTO authority (id, mesh, purpose, certificate_pem, wrapped_key, not_after, active, activated_at)
VALUES ($1, $2, $3, $4, $5, $6, false, NULL)`;

const RETIRE = `
UPDATE authority SET active = false, retired_at = clock_timestamp() WHERE id = $1 AND active
RETURNING mesh, purpose`;

const ACTIVATE = `
UPDATE authority SET active = true, activated_at = clock_timestamp()
WHERE id = $1 AND mesh = $2 AND purpose = $3 AND activated_at IS NULL RETURNING id`;

const FORGET = `
DELETE FROM authority a
WHERE id = $1 AND NOT active AND retired_at <= clock_timestamp() - $2 * interval '1 millisecond' AND NOT ${IN_USE}
RETURNING id`;

/** Thrown inside of a transaction to roll it back: somebody else was faster. */
class Outdated extends Error {}

/** Certificate authorities and the log of what they issued. */
export class AuthorityRepository implements Authorities {
  constructor(private readonly database: Database) {}

  async list(mesh: string): Promise<readonly AuthorityRow[]> {
    const rows = await this.database.entities((manager) =>
      manager.find(AuthorityEntity, { where: { mesh }, order: { createdAt: 'DESC', id: 'ASC' } }),
    );
    return rows.map(({ createdAt: _, ...row }) => row);
  }

  async ensure(
    mesh: string,
    purpose: AuthorityRow['purpose'],
    create: () => Promise<AuthorityRow>,
  ): Promise<AuthorityRow> {
    const [present] = await this.database.query<AuthorityRow>(SELECT_ACTIVE, [mesh, purpose]);
    return present ?? this.database.transaction((sql) => this.#ensureIn(sql, mesh, purpose, create));
  }

  async rotate(
    mesh: string,
    purpose: AuthorityRow['purpose'],
    replaces: string,
    create: () => Promise<AuthorityRow>,
  ): Promise<AuthorityRow> {
    return this.database.transaction(async (sql) => {
      await this.#lock(sql, mesh, purpose);
      const [present] = await sql.query<AuthorityRow>(SELECT_ACTIVE, [mesh, purpose]);
      if (present !== undefined && present.id !== replaces) return present;
      if (present !== undefined) await sql.query(RETIRE, [present.id]);
      return insert(sql, { ...(await create()), mesh, purpose });
    });
  }

  async now(): Promise<number> {
    const [clock] = await this.database.query<{ now: number | string }>(`SELECT ${NOW_MS} AS now`);
    return Number(clock?.now);
  }

  async stages(mesh: string): ReturnType<Authorities['stages']> {
    return this.database.transaction(
      async (sql) => {
        const [clock] = await sql.query<{ now: number | string }>(`SELECT ${NOW_MS} AS now`);
        return { now: Number(clock?.now), stages: await sql.query<AuthorityStage>(STAGES, [mesh]) };
      },
      { isolation: 'snapshot' },
    );
  }

  async prepare(
    mesh: string,
    purpose: AuthorityRow['purpose'],
    activeId: string,
    create: () => Promise<AuthorityRow>,
  ): Promise<boolean> {
    return this.database.transaction(async (sql) => {
      await this.#lock(sql, mesh, purpose);
      const [active] = await sql.query<AuthorityRow>(SELECT_ACTIVE, [mesh, purpose]);
      if (active?.id !== activeId || (await sql.query(IS_PREPARED, [mesh, purpose])).length > 0) return false;
      const row = await create();
      const wrappedKey = Buffer.from(row.wrappedKey);
      const values = [row.id, mesh, purpose, row.certificatePem, wrappedKey, Math.round(row.notAfter)];
      await sql.query(INSERT_PREPARED, values);
      return true;
    });
  }

  async activate({ activeId, preparedId }: { activeId: string; preparedId: string }): Promise<boolean> {
    try {
      await this.database.transaction(async (sql) => {
        const [retired] = await sql.query<{ mesh: string; purpose: string }>(RETIRE, [activeId]);
        if (!retired) throw new Outdated();
        const activated = await sql.query(ACTIVATE, [preparedId, retired.mesh, retired.purpose]);
        if (activated.length === 0) throw new Outdated();
      });
      return true;
    } catch (error) {
      if (error instanceof Outdated) return false;
      throw error;
    }
  }

  async forget(id: string, retiredForMs: number): Promise<boolean> {
    return (await this.database.query(FORGET, [id, retiredForMs])).length > 0;
  }

  async recordIssued(rows: Parameters<Authorities['recordIssued']>[0]): Promise<void> {
    if (rows.length === 0) return;
    await this.database.entities((manager) =>
      manager
        .createQueryBuilder()
        .insert()
        .into(IssuedCertificateEntity)
        .values(rows.map((row) => ({ ...row })))
        .orIgnore()
        .execute(),
    );
  }

  async #ensureIn(
    sql: Sql,
    mesh: string,
    purpose: AuthorityRow['purpose'],
    create: () => Promise<AuthorityRow>,
  ): Promise<AuthorityRow> {
    await this.#lock(sql, mesh, purpose);
    const [present] = await sql.query<AuthorityRow>(SELECT_ACTIVE, [mesh, purpose]);
    return present ?? insert(sql, { ...(await create()), mesh, purpose });
  }

  async #lock(sql: Sql, mesh: string, purpose: string): Promise<void> {
    await sql.query(`SET LOCAL lock_timeout = '${ENSURE_LOCK_TIMEOUT}'`);
    await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`heddle authority ${mesh} ${purpose}`]);
  }
}

async function insert(sql: Sql, row: AuthorityRow): Promise<AuthorityRow> {
  const { id, mesh, purpose, certificatePem, wrappedKey, notAfter } = row;
  await sql.query(INSERT, [id, mesh, purpose, certificatePem, Buffer.from(wrappedKey), Math.round(notAfter), true]);
  return { ...row, active: true };
}

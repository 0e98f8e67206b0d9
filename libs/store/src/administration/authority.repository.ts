import type { Database, Sql } from '../database.js';
import { AuthorityEntity } from '../entities/authority.entity.js';
import { IssuedCertificateEntity } from '../entities/issued-certificate.entity.js';
import type { Authorities, AuthorityRow } from '../ports.js';

/** Making a key pair on a busy machine may take a while; the others wait for it. */
const ENSURE_LOCK_TIMEOUT = '30s';

const SELECT_ACTIVE = `
SELECT id, mesh, purpose, certificate_pem AS "certificatePem", wrapped_key AS "wrappedKey", not_after AS "notAfter", active
FROM authority WHERE mesh = $1 AND purpose = $2 AND active`;

const INSERT = `
INSERT INTO authority (id, mesh, purpose, certificate_pem, wrapped_key, not_after, active) VALUES ($1, $2, $3, $4, $5, $6, $7)`;

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
      await lock(sql, mesh, purpose);
      const [present] = await sql.query<AuthorityRow>(SELECT_ACTIVE, [mesh, purpose]);
      if (present !== undefined && present.id !== replaces) return present;
      await sql.query('UPDATE authority SET active = false WHERE mesh = $1 AND purpose = $2', [mesh, purpose]);
      return insert(sql, { ...(await create()), mesh, purpose });
    });
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
    await lock(sql, mesh, purpose);
    const [present] = await sql.query<AuthorityRow>(SELECT_ACTIVE, [mesh, purpose]);
    return present ?? insert(sql, { ...(await create()), mesh, purpose });
  }
}

async function lock(sql: Sql, mesh: string, purpose: AuthorityRow['purpose']): Promise<void> {
  await sql.query(`SET LOCAL lock_timeout = '${ENSURE_LOCK_TIMEOUT}'`);
  await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`heddle authority ${mesh} ${purpose}`]);
}

async function insert(sql: Sql, row: AuthorityRow): Promise<AuthorityRow> {
  const { id, mesh, purpose, certificatePem, wrappedKey, notAfter } = row;
  await sql.query(INSERT, [id, mesh, purpose, certificatePem, Buffer.from(wrappedKey), Math.round(notAfter), true]);
  return { ...row, active: true };
}

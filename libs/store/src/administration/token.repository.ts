import { MoreThan } from 'typeorm';
import { appendToken } from '../audit/append.js';
import type { Database } from '../database.js';
import { ApiTokenEntity } from '../entities/api-token.entity.js';
import { RevocationEntity } from '../entities/revocation.entity.js';
import type { Actor, ApiTokenRow, TokenDecision, Tokens } from '../ports.js';
import { NOW_MS } from '../sql-time.js';

const DENY = `
INSERT INTO revocation (jti, until, reason) VALUES ($1, $2, $3)
ON CONFLICT (jti) DO UPDATE SET until = GREATEST(revocation.until, EXCLUDED.until)`;

const INSERT = `
INSERT INTO api_token (id, name, role, groups, meshes, secret_hash, expires_at, created_at, last_used_at, revoked)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;

const REVOKE = `
UPDATE api_token SET revoked = true, expires_at = LEAST(expires_at, ${NOW_MS}) WHERE id = $1 RETURNING id, name, meshes`;

const NOW = `SELECT ${NOW_MS} AS now`;

/** API tokens, and the deny-list of proxy tokens. */
export class TokenRepository implements Tokens {
  constructor(private readonly database: Database) {}

  async insert(row: ApiTokenRow, by: Actor): Promise<void> {
    const { id, name, role, groups, meshes, secretHash, expiresAt, createdAt, lastUsedAt, revoked } = row;
    const times = [expiresAt, createdAt, lastUsedAt].map((at) => Math.round(at));
    const grants = { role, groups, meshes, expiresAt: new Date(expiresAt).toISOString() };
    await this.database.transaction(async (sql) => {
      await sql.query(INSERT, [id, name, role, groups, meshes, secretHash, ...times, revoked]);
      const token = { kind: 'ApiToken' as const, id, name, grants };
      await appendToken(sql, { action: 'token-create', actor: by, mesh: meshOf(row), token });
    });
  }

  async find(id: string): Promise<ApiTokenRow | undefined> {
    return (await this.database.entities((manager) => manager.findOneBy(ApiTokenEntity, { id }))) ?? undefined;
  }

  async list(): Promise<readonly ApiTokenRow[]> {
    return this.database.entities((manager) =>
      manager.find(ApiTokenEntity, { order: { createdAt: 'ASC', id: 'ASC' } }),
    );
  }

  async revoke(id: string, by: Actor): Promise<boolean> {
    return this.database.transaction(async (sql) => {
      const [row] = await sql.query<Pick<ApiTokenRow, 'id' | 'name' | 'meshes'>>(REVOKE, [id]);
      if (row === undefined) return false;
      const token = { kind: 'ApiToken' as const, id, name: row.name };
      await appendToken(sql, { action: 'token-revoke', actor: by, mesh: meshOf(row), token });
      return true;
    });
  }

  async touch(id: string, at: number): Promise<void> {
    await this.database.entities((manager) => manager.update(ApiTokenEntity, { id }, { lastUsedAt: Math.round(at) }));
  }

  async deny(jti: string, until: number, reason: string, by?: Pick<TokenDecision, 'actor' | 'mesh'>): Promise<void> {
    await this.database.transaction(async (sql) => {
      await sql.query(DENY, [jti, Math.round(until), reason]);
      if (by !== undefined)
        await appendToken(sql, { action: 'token-revoke', ...by, token: { kind: 'ProxyToken', id: jti } });
    });
  }

  async denied(): Promise<ReadonlyMap<string, number>> {
    const [time] = await this.database.query<{ now: number }>(NOW);
    const rows = await this.database.entities((manager) =>
      manager.findBy(RevocationEntity, { until: MoreThan(time?.now ?? 0) }),
    );
    return new Map(rows.map((row) => [row.jti, row.until]));
  }
}

/** Where the audit has it: in its mesh, or with the server when it is for several. */
const meshOf = ({ meshes }: Pick<ApiTokenRow, 'meshes'>): string => (meshes.length === 1 ? (meshes[0] ?? '') : '');

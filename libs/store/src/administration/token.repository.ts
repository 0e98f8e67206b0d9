import { MoreThan } from 'typeorm';
import type { Database } from '../database.js';
import { ApiTokenEntity } from '../entities/api-token.entity.js';
import { RevocationEntity } from '../entities/revocation.entity.js';
import type { ApiTokenRow, Tokens } from '../ports.js';

const DENY = `
INSERT INTO revocation (jti, until, reason) VALUES ($1, $2, $3)
ON CONFLICT (jti) DO UPDATE SET until = GREATEST(revocation.until, EXCLUDED.until)`;

const NOW = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now';

/** API tokens, and the deny-list of proxy tokens. */
export class TokenRepository implements Tokens {
  constructor(private readonly database: Database) {}

  async insert(row: ApiTokenRow): Promise<void> {
    await this.database.entities((manager) =>
      manager.insert(ApiTokenEntity, { ...row, groups: [...row.groups], meshes: [...row.meshes] }),
    );
  }

  async find(id: string): Promise<ApiTokenRow | undefined> {
    return (await this.database.entities((manager) => manager.findOneBy(ApiTokenEntity, { id }))) ?? undefined;
  }

  async list(): Promise<readonly ApiTokenRow[]> {
    return this.database.entities((manager) =>
      manager.find(ApiTokenEntity, { order: { createdAt: 'ASC', id: 'ASC' } }),
    );
  }

  /** @returns false when there is no such token */
  async revoke(id: string): Promise<boolean> {
    const { affected } = await this.database.entities((manager) =>
      manager.update(ApiTokenEntity, { id }, { revoked: true }),
    );
    return (affected ?? 0) > 0;
  }

  async touch(id: string, at: number): Promise<void> {
    await this.database.entities((manager) => manager.update(ApiTokenEntity, { id }, { lastUsedAt: Math.round(at) }));
  }

  async deny(jti: string, until: number, reason: string): Promise<void> {
    await this.database.query(DENY, [jti, Math.round(until), reason]);
  }

  async denied(): Promise<ReadonlyMap<string, number>> {
    const [time] = await this.database.query<{ now: number }>(NOW);
    const rows = await this.database.entities((manager) =>
      manager.findBy(RevocationEntity, { until: MoreThan(time?.now ?? 0) }),
    );
    return new Map(rows.map((row) => [row.jti, row.until]));
  }
}

import { Column, Entity, PrimaryColumn } from 'typeorm';

/** See `ApiTokenRow`. */
@Entity('api_token')
export class ApiTokenEntity {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text')
  role!: string;

  @Column('text', { array: true })
  groups!: string[];

  @Column('text', { array: true })
  meshes!: string[];

  @Column('text', { name: 'secret_hash' })
  secretHash!: string;

  @Column('bigint', { name: 'expires_at' })
  expiresAt!: number;

  @Column('bigint', { name: 'created_at' })
  createdAt!: number;

  @Column('bigint', { name: 'last_used_at' })
  lastUsedAt!: number;

  @Column('boolean')
  revoked!: boolean;
}

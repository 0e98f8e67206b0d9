import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AuthorityRow } from '../ports.js';

/** See `AuthorityRow`. */
@Entity('authority')
export class AuthorityEntity {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  mesh!: string;

  @Column('text')
  purpose!: AuthorityRow['purpose'];

  @Column('text', { name: 'certificate_pem' })
  certificatePem!: string;

  @Column('bytea', { name: 'wrapped_key' })
  wrappedKey!: Uint8Array;

  @Column('bigint', { name: 'not_after' })
  notAfter!: number;

  @Column('boolean')
  active!: boolean;

  @Column({ type: 'timestamptz', name: 'created_at', insert: false, update: false })
  createdAt!: Date;
}

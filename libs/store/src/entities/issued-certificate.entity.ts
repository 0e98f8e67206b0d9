import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A leaf that was handed out. */
@Entity('issued_certificate')
export class IssuedCertificateEntity {
  @PrimaryColumn('text')
  serial!: string;

  @Column('text')
  mesh!: string;

  @Column('text', { name: 'spiffe_id' })
  spiffeId!: string;

  @Column('text')
  instance!: string;

  @Column('bigint', { name: 'not_before' })
  notBefore!: number;

  @Column('bigint', { name: 'not_after' })
  notAfter!: number;

  @Column('text')
  issuer!: string;
}

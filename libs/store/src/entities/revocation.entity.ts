import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A proxy token that is no longer accepted. */
@Entity('revocation')
export class RevocationEntity {
  @PrimaryColumn('text')
  jti!: string;

  /** End of the token itself, in milliseconds since the epoch: after it the row is of no use. */
  @Column('bigint')
  until!: number;

  @Column('text')
  reason!: string;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProgressRow } from '../ports.js';

/** See `ProgressRow`. */
@Entity('delivery_progress')
export class DeliveryProgressEntity {
  @PrimaryColumn('text')
  mesh!: string;

  @PrimaryColumn('bigint')
  change!: number;

  @PrimaryColumn('text')
  replica!: string;

  @Column('integer')
  total!: number;

  @Column('integer')
  acked!: number;

  @Column('json')
  refused!: ProgressRow['refused'];

  @Column('json')
  behind!: ProgressRow['behind'];
}

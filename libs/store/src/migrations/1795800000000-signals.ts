import type { MigrationInterface, QueryRunner } from 'typeorm';
import { NO_SIGNALS, SIGNAL_RANGES, SIGNAL_TABLES } from './signals/tables.sql.js';

/** Telemetry: how the requests of the mesh fared, in buckets of time, and single failures. */
export class Signals1795800000000 implements MigrationInterface {
  readonly name = 'Signals1795800000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [SIGNAL_TABLES, SIGNAL_RANGES]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(NO_SIGNALS);
  }
}

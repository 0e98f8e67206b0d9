import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ADMINISTRATION_TABLES } from './initial/administration.sql.js';
import { AUDIT_TABLES, AUDIT_TRIGGER } from './initial/audit.sql.js';
import { DELIVERY_TABLES } from './initial/delivery.sql.js';
import { RESOURCE_TABLES } from './initial/resources.sql.js';
import { RUNTIME_TABLES } from './initial/runtime.sql.js';

/** The whole schema of the first release. */
export class Initial1767225600000 implements MigrationInterface {
  readonly name = 'Initial1767225600000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [
      RESOURCE_TABLES,
      AUDIT_TABLES,
      AUDIT_TRIGGER,
      RUNTIME_TABLES,
      DELIVERY_TABLES,
      ADMINISTRATION_TABLES,
    ]) {
      await runner.query(part);
    }
  }

  /** The first schema has no schema before it. */
  async down(): Promise<void> {
    throw new Error('the first migration cannot be undone: drop the database instead');
  }
}

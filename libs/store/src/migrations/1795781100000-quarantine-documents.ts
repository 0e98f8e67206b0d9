import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is served in place of a quarantined revision, kept beside it: history may be cut before it is mended. */
export class QuarantineDocuments1795781100000 implements MigrationInterface {
  readonly name = 'QuarantineDocuments1795781100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE quarantine ADD COLUMN document json'); // null: no revision is good
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE quarantine DROP COLUMN document');
  }
}

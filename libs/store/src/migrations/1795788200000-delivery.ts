import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Delivery of a change over all replicas: what each has come to, and which of them serve proxies. */
export class Delivery1795788200000 implements MigrationInterface {
  readonly name = 'Delivery1795788200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE delivery_progress
        ADD COLUMN refusing integer NOT NULL DEFAULT 0, -- proxies, however many resources each refuses
        ADD COLUMN elapsed_ms real NOT NULL DEFAULT 0`);
    await runner.query('CREATE INDEX delivery_progress_of_replica ON delivery_progress (mesh, replica, change)');
    // The session that serves proxies and reports here; a build that does neither leaves it at an older one.
    await runner.query(`ALTER TABLE replica ADD COLUMN delivers text NOT NULL DEFAULT ''`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE replica DROP COLUMN delivers');
    await runner.query('DROP INDEX delivery_progress_of_replica');
    await runner.query('ALTER TABLE delivery_progress DROP COLUMN refusing, DROP COLUMN elapsed_ms');
  }
}

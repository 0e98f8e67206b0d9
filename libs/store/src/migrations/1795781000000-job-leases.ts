import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Leases of jobs by name. That of the audit stays where it is: the release before this one knows it there. */
export class JobLeases1795781000000 implements MigrationInterface {
  readonly name = 'JobLeases1795781000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE job_lease (
        name    text COLLATE "C" PRIMARY KEY,
        holder  text NOT NULL,
        fence   bigint NOT NULL, -- rises with every holder: what a stalled one writes is refused
        until   timestamptz NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE job_lease');
  }
}

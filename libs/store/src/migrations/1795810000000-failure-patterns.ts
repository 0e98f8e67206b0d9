import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Failures that were grouped and named, and how far the search for them has come. */
export class FailurePatterns1795810000000 implements MigrationInterface {
  readonly name = 'FailurePatterns1795810000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE failure_pattern (
        mesh      text COLLATE "C" NOT NULL,
        id        text COLLATE "C" NOT NULL,
        since     bigint NOT NULL, -- milliseconds since the epoch
        over_at   bigint NOT NULL, -- 0 while it goes on
        document  json NOT NULL,
        PRIMARY KEY (mesh, id)
      )`);
    await runner.query('CREATE INDEX failure_pattern_over ON failure_pattern (mesh, over_at)');
    await runner.query(`
      CREATE TABLE failure_watch (
        mesh  text COLLATE "C" PRIMARY KEY,
        at    bigint NOT NULL -- end of the newest bucket that was looked at
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE failure_pattern, failure_watch');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Plans: what a change would do, kept until it is applied or expires. */
export class Plans1795780100000 implements MigrationInterface {
  readonly name = 'Plans1795780100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE plan (
        id          text COLLATE "C" PRIMARY KEY,
        mesh        text COLLATE "C" NOT NULL,
        actor       text NOT NULL,
        revision    bigint NOT NULL, -- config revision that it was made on
        document    json NOT NULL,
        created_at  timestamptz NOT NULL DEFAULT now(),
        expires_at  timestamptz NOT NULL DEFAULT now() + interval '1 day'
      )`);
    await runner.query('CREATE INDEX plan_age ON plan (mesh, created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE plan');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What RoleBindings know an API token by, beside its name, and the meshes that it is confined to. */
export class TokenSubjects1767312000000 implements MigrationInterface {
  readonly name = 'TokenSubjects1767312000000';

  async up(runner: QueryRunner): Promise<void> {
    // With defaults, since a replica of the release before goes on to insert rows without them.
    await runner.query(`
      ALTER TABLE api_token ADD COLUMN groups text[] NOT NULL DEFAULT '{}';
      ALTER TABLE api_token ADD COLUMN meshes text[] NOT NULL DEFAULT '{}'; -- empty = every mesh`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE api_token DROP COLUMN groups; ALTER TABLE api_token DROP COLUMN meshes');
  }
}

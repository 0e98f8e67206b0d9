import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Stages of an authority: prepared (never activated), active, retired. The defaults let the build before this one, which
 * knows `active` only, go on writing during a rolling upgrade.
 */
const UP = `
ALTER TABLE authority
  ADD COLUMN activated_at timestamptz DEFAULT clock_timestamp(), -- NULL = prepared: signs nothing yet
  ADD COLUMN retired_at   timestamptz;                           -- NULL = not retired
UPDATE authority SET activated_at = created_at, retired_at = CASE WHEN active THEN NULL ELSE clock_timestamp() END;
ALTER TABLE authority ADD CONSTRAINT authority_stage CHECK (NOT active OR (activated_at IS NOT NULL AND retired_at IS NULL));
CREATE UNIQUE INDEX authority_prepared ON authority (mesh, purpose) WHERE activated_at IS NULL;
`;

const DOWN = `
DELETE FROM authority WHERE activated_at IS NULL;
ALTER TABLE authority DROP COLUMN activated_at, DROP COLUMN retired_at;
`;

export class AuthorityRotation1767484800000 implements MigrationInterface {
  readonly name = 'AuthorityRotation1767484800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

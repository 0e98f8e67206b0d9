import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who still calls without mutual TLS: evidence against making a mesh STRICT. */
export class PlaintextUse1795795200000 implements MigrationInterface {
  readonly name = 'PlaintextUse1795795200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE plaintext_use (
        mesh      text COLLATE "C" NOT NULL,
        node      text COLLATE "C" NOT NULL, -- id of the sidecar that was called
        port      text COLLATE "C" NOT NULL, -- name of its port
        replica   text COLLATE "C" NOT NULL, -- that the sidecar told
        requests  bigint NOT NULL, -- in the minutes before seen_at
        seen_at   timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (mesh, node, port, replica)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE plaintext_use');
  }
}

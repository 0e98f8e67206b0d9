import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Contents that proxies died of (REL-26). */
export class BadContents1795781200000 implements MigrationInterface {
  readonly name = 'BadContents1795781200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE bad_content (
        id          text COLLATE "C" NOT NULL UNIQUE DEFAULT gen_random_uuid()::text,
        mesh        text COLLATE "C" NOT NULL,
        key         text COLLATE "C" NOT NULL, -- of the compiled resource
        version     text COLLATE "C" NOT NULL, -- hash of its content
        type        text NOT NULL,
        name        text NOT NULL, -- on the wire
        proxies     text[] NOT NULL,
        hosts       text[] NOT NULL, -- of the proxies, each once
        reason      text NOT NULL,
        instead     json, -- {version, bytes, requires}: the content before; null = not known
        everywhere  boolean NOT NULL DEFAULT false, -- held back from all, on the word of two hosts
        at          timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (mesh, key, version)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE bad_content');
  }
}

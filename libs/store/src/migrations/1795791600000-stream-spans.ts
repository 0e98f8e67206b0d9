import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What each proxy ran and when: contents once, sets of contents once, and the times in which a proxy held them. */
export class StreamSpans1795791600000 implements MigrationInterface {
  readonly name = 'StreamSpans1795791600000';

  async up(runner: QueryRunner): Promise<void> {
    // Clusters, listeners, scopes and routes; never endpoints or secrets.
    await runner.query(`
      CREATE TABLE artifact (
        mesh        text COLLATE "C" NOT NULL,
        type        text COLLATE "C" NOT NULL, -- CDS, LDS, SRDS, RDS
        hash        text COLLATE "C" NOT NULL,
        name        text NOT NULL,
        bytes       bytea NOT NULL,
        revision    bigint NOT NULL, -- config revision of the first proxy's confirmation
        first_seen  timestamptz NOT NULL DEFAULT now(),
        touched     timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (mesh, type, hash)
      )`);
    await runner.query(`
      CREATE TABLE manifest (
        mesh       text COLLATE "C" NOT NULL,
        hash       text COLLATE "C" NOT NULL, -- of the whole set
        base       text COLLATE "C", -- entries are the difference to that one; null: they are the set
        entries    json NOT NULL, -- [[type, name, hash]]; hash '': without it
        artifacts  text[] COLLATE "C" NOT NULL, -- <type>/<hash> of the entries
        touched    timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (mesh, hash)
      )`);
    await runner.query('CREATE INDEX manifest_artifacts ON manifest USING gin (artifacts)');
    await runner.query('CREATE INDEX manifest_base ON manifest (mesh, base) WHERE base IS NOT NULL');
    await runner.query('CREATE INDEX manifest_age ON manifest (touched)');
    await runner.query(`
      CREATE TABLE stream_span (
        id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        mesh             text COLLATE "C" NOT NULL,
        instance         text COLLATE "C" NOT NULL, -- <namespace>/<name>
        replica          text COLLATE "C" NOT NULL,
        manifest         text COLLATE "C" NOT NULL, -- what its class shares
        own              text COLLATE "C" NOT NULL, -- what is its own
        pins             json NOT NULL, -- [{type, name, hash, message}] that it refused
        config_revision  bigint NOT NULL,
        since            timestamptz NOT NULL,
        until            timestamptz -- null: still, as long as the replica lives
      )`);
    await runner.query('CREATE INDEX stream_span_of ON stream_span (mesh, instance, since DESC)');
    await runner.query('CREATE INDEX stream_span_open ON stream_span (replica) WHERE until IS NULL');
    await runner.query('CREATE INDEX stream_span_age ON stream_span (until)');
    await runner.query('CREATE INDEX stream_span_manifest ON stream_span (mesh, manifest)');
    await runner.query('CREATE INDEX stream_span_own ON stream_span (mesh, own)');
    // Until when an earlier process of the replica was seen.
    await runner.query('ALTER TABLE replica ADD COLUMN previous_seen_at bigint NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE replica DROP COLUMN previous_seen_at');
    await runner.query('DROP TABLE stream_span, manifest, artifact');
  }
}

/** Tables that grow with every change, each cut into the same ranges of config revisions. */
const PARTITIONED = ['change', 'resource_history', 'audit_entry'] as const;

/**
 * What a search filters by stands beside the payload, each in an index: the payload may hold what `jsonb` refuses
 * (\\u0000). The columns are no part of the hash; verification compares them with the payload.
 */
export const AUDIT_COLUMNS = `
ALTER TABLE audit_entry
  ADD COLUMN action text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN mesh text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN actor text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN subjects text[] COLLATE "C" NOT NULL DEFAULT '{}'; -- '<kind> <namespace>/<name>'
`;

/**
 * The ranges, and how the next ones are made. `heddle_app` may not run DDL; this function makes what is missing beyond
 * the present revision, and nothing else, as its owner.
 */
export const RANGES = `
CREATE TABLE history_settings (
  only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  width     bigint NOT NULL DEFAULT 100000 CHECK (width > 0) -- revisions in a range that is made from now on
);
INSERT INTO history_settings DEFAULT VALUES;

CREATE TABLE history_range (
  lower  bigint PRIMARY KEY, -- first revision in it; names the partitions: <table>_<lower>
  upper  bigint NOT NULL CHECK (upper > lower) -- first revision after it
);

CREATE FUNCTION ensure_history_ranges() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $body$
DECLARE
  head bigint;
  width bigint;
  low bigint;
  parent text;
  made integer := 0;
BEGIN
  SELECT revision INTO head FROM stream WHERE stream.stream = 'config';
  SELECT s.width INTO width FROM history_settings s;
  IF (SELECT max(upper) FROM history_range) > head + 2 * width THEN RETURN 0; END IF;
  PERFORM pg_advisory_xact_lock(4818203111);
  LOOP
    SELECT max(upper) INTO low FROM history_range;
    EXIT WHEN low > head + 2 * width;
    FOREACH parent IN ARRAY ARRAY['${PARTITIONED.join("', '")}'] LOOP
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
        parent || '_' || low, parent, low, low + width);
    END LOOP;
    INSERT INTO history_range VALUES (low, low + width);
    made := made + 1;
  END LOOP;
  RETURN made;
END
$body$;
`;

/** What was written so far becomes the first range as it is: nothing is copied. */
export const FIRST_RANGE = `
ALTER TABLE audit_entry ALTER action DROP DEFAULT, ALTER mesh DROP DEFAULT, ALTER actor DROP DEFAULT, ALTER subjects DROP DEFAULT;
ALTER TABLE resource_history DROP CONSTRAINT resource_history_revision_fkey; -- one statement writes both, nobody edits them
ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_pkey, ADD CONSTRAINT audit_entry_0_pkey PRIMARY KEY (revision, seq);
DROP INDEX audit_entry_revision;
ALTER TABLE change RENAME CONSTRAINT change_pkey TO change_0_pkey;
ALTER TABLE resource_history RENAME CONSTRAINT resource_history_pkey TO resource_history_0_pkey;
ALTER INDEX change_of_mesh RENAME TO change_0_of_mesh;
ALTER INDEX resource_history_of RENAME TO resource_history_0_of;
${PARTITIONED.map((table) => `ALTER TABLE ${table} RENAME TO ${table}_0;`).join('\n')}
${PARTITIONED.map(
  (table) =>
    `CREATE TABLE ${table} (LIKE ${table}_0 INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (revision);`,
).join('\n')}
ALTER TABLE change ADD PRIMARY KEY (revision);
CREATE INDEX change_of_mesh ON change (mesh, revision DESC);
ALTER TABLE resource_history ADD PRIMARY KEY (revision, position);
CREATE INDEX resource_history_of ON resource_history (mesh, kind, namespace, name, revision DESC);
ALTER TABLE audit_entry ADD PRIMARY KEY (revision, seq);

DO $body$
DECLARE
  upper bigint := (SELECT (s.revision / 100000 + 1) * 100000 FROM stream s WHERE s.stream = 'config');
  parent text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['${PARTITIONED.join("', '")}'] LOOP
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (0) TO (%s)', parent, parent || '_0', upper);
  END LOOP;
  INSERT INTO history_range VALUES (0, upper);
END
$body$;
SELECT ensure_history_ranges();

-- Newest first by who did what, of one mesh; when, to find the revision of a time; who was refused what.
CREATE INDEX audit_entry_of_mesh ON audit_entry (mesh, revision, seq);
CREATE INDEX audit_entry_of_actor ON audit_entry (mesh, actor, revision, seq);
CREATE INDEX audit_entry_of_action ON audit_entry (mesh, action, revision, seq);
CREATE INDEX audit_entry_at ON audit_entry (at);
CREATE INDEX audit_entry_refused ON audit_entry (mesh, revision, seq) WHERE decision = 'refused';
CREATE INDEX audit_entry_refused_what ON audit_entry USING gin (subjects) WHERE decision = 'refused';
CREATE INDEX change_of_actor ON change (mesh, actor, revision DESC);
CREATE INDEX change_at ON change (at);
`;

/**
 * REL-14: a replica of the build before writes entries without the columns; they are taken from the payload, as
 * `columnsOf` does it. Escapes that Postgres's json cannot hold (\\u0000, halves of surrogate pairs) become U+FFFD in both.
 * To be dropped when no build is supported any more that does not know the columns.
 */
export const COLUMNS_FOR_OLDER_BUILDS = `
CREATE FUNCTION fill_audit_columns() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
  payload json := regexp_replace(NEW.payload, '\\\\u(0000|d[89a-f][0-9a-f]{2})', '\\\\ufffd', 'g');
BEGIN
  NEW.action := payload->>'action';
  NEW.mesh := payload->>'mesh';
  NEW.actor := payload->'actor'->>'name';
  NEW.subjects := ARRAY(
    SELECT (i->>'kind') || ' ' || (i->>'namespace') || '/' || (i->>'name') FROM json_array_elements(payload->'items') i);
  RETURN NEW;
END
$body$;
CREATE TRIGGER audit_entry_columns BEFORE INSERT ON audit_entry
  FOR EACH ROW WHEN (NEW.action IS NULL) EXECUTE FUNCTION fill_audit_columns();
`;

/** Signed statements about the chain, where they were sent, and which replica makes them. */
export const CHECKPOINTS = `
ALTER TABLE authority DROP CONSTRAINT authority_purpose_check;
ALTER TABLE authority ADD CONSTRAINT authority_purpose_check
  CHECK (purpose IN ('root', 'intermediate', 'server-root', 'token-signing', 'audit-signing'));

CREATE TABLE audit_statement (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind      text NOT NULL CHECK (kind IN ('checkpoint', 'cut', 'key')),
  seq       bigint NOT NULL, -- the entry it is about; 0 for a key
  document  text NOT NULL,   -- canonical JSON with its signature
  at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX audit_statement_seq ON audit_statement (kind, seq);

-- How far each destination has been told.
CREATE TABLE audit_export (
  destination  text COLLATE "C" PRIMARY KEY,
  statement    bigint NOT NULL,
  failures     integer NOT NULL DEFAULT 0, -- since the last success
  error        text NOT NULL DEFAULT '',
  at           timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The lease of the one replica that signs; what it writes carries the fence (a holder that was stalled has an old one).
CREATE TABLE audit_lease (
  only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  holder    text NOT NULL DEFAULT '',
  fence     bigint NOT NULL DEFAULT 0,
  until     timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO audit_lease DEFAULT VALUES;

-- Failed logins: counted here, never in the chain, whose lock they could keep busy (SEC-64).
CREATE TABLE access_failure (
  minute   timestamptz NOT NULL,
  replica  text COLLATE "C" NOT NULL,
  peer     text COLLATE "C" NOT NULL, -- '' = the many beyond those that are told apart
  count    bigint NOT NULL,
  PRIMARY KEY (minute, replica, peer)
);
`;

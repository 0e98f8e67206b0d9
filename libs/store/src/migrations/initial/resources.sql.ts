/**
 * Streams, resources and their log. Every name column has collation "C", so that order and comparison are by bytes
 * whatever the database's locale. Documents are `json`, not `jsonb`: the text is kept as it was written, and what JSON
 * allows (\u0000) is not refused.
 */
export const RESOURCE_TABLES = `
-- One row a database: what a replica checks before it trusts what it reads (REL-4, REL-5, REL-49).
CREATE TABLE database_identity (
  only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  cluster_id  text NOT NULL DEFAULT gen_random_uuid()::text,
  epoch       text NOT NULL DEFAULT gen_random_uuid()::text,
  created_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO database_identity DEFAULT VALUES;

-- The revision of each stream. Its row stays locked until the commit, so that the order of revisions is the order of
-- commits (M7). The row of config also holds the head of the audit chain.
CREATE TABLE stream (
  stream      text COLLATE "C" PRIMARY KEY,
  revision    bigint NOT NULL DEFAULT 0,
  log_floor   bigint NOT NULL DEFAULT 0, -- entries of change_log up to this revision have been pruned
  audit_seq   bigint NOT NULL DEFAULT 0,
  audit_prev  text NOT NULL DEFAULT '',
  audit_hash  text NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
INSERT INTO stream (stream) VALUES ('config'), ('runtime');

CREATE TABLE resource (
  uid               text COLLATE "C" PRIMARY KEY,
  mesh              text COLLATE "C" NOT NULL,
  kind              text COLLATE "C" NOT NULL,
  namespace         text COLLATE "C" NOT NULL, -- '' for kinds of the whole mesh
  name              text COLLATE "C" NOT NULL,
  api_version       text NOT NULL,
  labels            jsonb NOT NULL,
  annotations       json NOT NULL,
  spec              json NOT NULL,
  version           bigint NOT NULL, -- counts writes from 1; the ETag
  created_revision  bigint NOT NULL,
  updated_revision  bigint NOT NULL,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  CONSTRAINT resource_identity UNIQUE (mesh, kind, namespace, name)
);
CREATE INDEX resource_labels ON resource USING gin (labels jsonb_path_ops);

-- A duplicate scope key makes Envoy refuse a whole update: one owner a name, in the whole mesh.
CREATE TABLE hostname (
  mesh      text COLLATE "C" NOT NULL,
  hostname  text COLLATE "C" NOT NULL,
  uid       text COLLATE "C" NOT NULL, -- the resource that owns it
  PRIMARY KEY (mesh, hostname)
);
CREATE INDEX hostname_owner ON hostname (uid);

-- The 16-bit number of a service: its loopback address within the /16 of a sidecar.
CREATE TABLE service_address (
  mesh       text COLLATE "C" NOT NULL,
  namespace  text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  number     integer NOT NULL CHECK (number BETWEEN 2 AND 65534),
  PRIMARY KEY (mesh, namespace, name),
  UNIQUE (mesh, number)
);
CREATE TABLE service_address_cursor (
  mesh  text COLLATE "C" PRIMARY KEY,
  next  integer NOT NULL
);

CREATE TABLE change (
  revision    bigint PRIMARY KEY, -- the change is called c-<revision>
  mesh        text COLLATE "C" NOT NULL,
  at          timestamptz NOT NULL,
  actor       text NOT NULL,
  role        text NOT NULL,
  ip          text NOT NULL,
  request_id  text NOT NULL,
  message     text NOT NULL,
  reverts     text -- the change that this one takes back
);
CREATE INDEX change_of_mesh ON change (mesh, revision DESC);

-- What an open staged change holds until it is promoted.
CREATE TABLE change_item (
  change     text COLLATE "C" NOT NULL,
  mesh       text COLLATE "C" NOT NULL,
  kind       text COLLATE "C" NOT NULL,
  namespace  text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  op         text NOT NULL CHECK (op IN ('put', 'delete')),
  document   json,
  PRIMARY KEY (change, mesh, kind, namespace, name)
);

CREATE TABLE resource_history (
  revision   bigint NOT NULL REFERENCES change (revision),
  position   integer NOT NULL, -- within the change, from 0
  uid        text COLLATE "C" NOT NULL,
  op         text NOT NULL CHECK (op IN ('created', 'updated', 'deleted')),
  mesh       text COLLATE "C" NOT NULL,
  kind       text COLLATE "C" NOT NULL,
  namespace  text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  version    bigint NOT NULL,
  before     json, -- manifests; null where there was or is none
  after      json,
  PRIMARY KEY (revision, position)
);
CREATE INDEX resource_history_of ON resource_history (mesh, kind, namespace, name, revision DESC);

-- What the feed reads: which keys each revision touched. Kept for 24 h.
CREATE TABLE change_log (
  stream     text COLLATE "C" NOT NULL,
  revision   bigint NOT NULL,
  position   integer NOT NULL,
  op         text NOT NULL CHECK (op IN ('put', 'delete')),
  uid        text COLLATE "C" NOT NULL,
  mesh       text COLLATE "C" NOT NULL,
  kind       text COLLATE "C" NOT NULL, -- '' for instances
  namespace  text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, revision, position)
);
CREATE INDEX change_log_age ON change_log (stream, at);

-- The first outcome of a request with an Idempotency-Key, for 24 h (REL-39).
CREATE TABLE idempotency (
  actor         text COLLATE "C" NOT NULL,
  key           text COLLATE "C" NOT NULL,
  request_hash  text NOT NULL,
  revision      bigint, -- null while the first request is being carried out
  change        text,
  items         json,
  at            timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_age ON idempotency (at);
`;

/** Runtime state: instances and replicas. Times are milliseconds since the epoch by Postgres's clock; 0 = never. */
export const RUNTIME_TABLES = `
CREATE TABLE instance (
  uid               text COLLATE "C" PRIMARY KEY,
  mesh              text COLLATE "C" NOT NULL,
  namespace         text COLLATE "C" NOT NULL,
  name              text COLLATE "C" NOT NULL,
  workload          text COLLATE "C" NOT NULL,
  spec              json NOT NULL,
  features          jsonb NOT NULL,
  envoy_version     text NOT NULL,
  attached          jsonb NOT NULL, -- [{replica, epoch, stream}]
  routable          boolean NOT NULL,
  leaving           boolean NOT NULL,
  leaving_at        bigint NOT NULL,
  detached_at       bigint NOT NULL,
  runtime_revision  bigint NOT NULL,
  CONSTRAINT instance_identity UNIQUE (mesh, namespace, name)
) WITH (fillfactor = 70);
CREATE INDEX instance_waiting ON instance (detached_at) WHERE detached_at > 0 OR leaving;

-- What happened to instances: 30 days.
CREATE TABLE instance_event (
  runtime_revision  bigint NOT NULL,
  position          integer NOT NULL,
  uid               text COLLATE "C" NOT NULL,
  mesh              text COLLATE "C" NOT NULL,
  namespace         text COLLATE "C" NOT NULL,
  name              text COLLATE "C" NOT NULL,
  op                text NOT NULL,
  detail            text NOT NULL,
  at                timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (runtime_revision, position)
);
CREATE INDEX instance_event_of ON instance_event (mesh, namespace, name, runtime_revision DESC);
CREATE INDEX instance_event_age ON instance_event USING brin (at);

-- Replicas renew their row every 5 s; the attachments of one that stopped are dropped.
CREATE TABLE replica (
  replica     text COLLATE "C" PRIMARY KEY,
  session     text NOT NULL, -- one run of the process
  started_at  bigint NOT NULL,
  seen_at     bigint NOT NULL
) WITH (fillfactor = 50);
`;

/** How changes arrive at proxies. */
export const DELIVERY_TABLES = `
CREATE TABLE delivery_progress (
  mesh     text COLLATE "C" NOT NULL,
  change   bigint NOT NULL, -- config revision
  replica  text COLLATE "C" NOT NULL,
  total    integer NOT NULL,
  acked    integer NOT NULL,
  refused  json NOT NULL, -- [{proxy, type, name, message}]
  behind   json NOT NULL, -- [proxy]
  at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (mesh, change, replica)
) WITH (fillfactor = 50);
CREATE INDEX delivery_progress_age ON delivery_progress (at);

-- Resources whose newest spec cannot be evaluated: everybody reads use_revision from history instead.
CREATE TABLE quarantine (
  uid           text COLLATE "C" PRIMARY KEY,
  mesh          text COLLATE "C" NOT NULL,
  bad_revision  bigint NOT NULL,
  use_revision  bigint NOT NULL,
  reason        text NOT NULL,
  at            timestamptz NOT NULL DEFAULT now()
);
`;

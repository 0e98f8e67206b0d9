/** Tokens and authorities. Times are milliseconds since the epoch; 0 = never. */
export const ADMINISTRATION_TABLES = `
-- SEC-44: the secret part is kept as its SHA-256 only; found by the public part.
CREATE TABLE api_token (
  id            text COLLATE "C" PRIMARY KEY,
  name          text NOT NULL,
  role          text NOT NULL,
  secret_hash   text NOT NULL,
  expires_at    bigint NOT NULL,
  created_at    bigint NOT NULL,
  last_used_at  bigint NOT NULL,
  revoked       boolean NOT NULL
);

-- Deny-list of proxy tokens; a row ends with the token it denies.
CREATE TABLE revocation (
  jti     text COLLATE "C" PRIMARY KEY,
  until   bigint NOT NULL,
  reason  text NOT NULL,
  at      timestamptz NOT NULL DEFAULT now()
);

-- Authorities, their keys encrypted by the identity library; at most one is active for a purpose.
CREATE TABLE authority (
  id               text COLLATE "C" PRIMARY KEY,
  mesh             text COLLATE "C" NOT NULL, -- '' for those of no mesh
  purpose          text NOT NULL CHECK (purpose IN ('root', 'intermediate', 'server-root', 'token-signing')),
  certificate_pem  text NOT NULL,
  wrapped_key      bytea NOT NULL,
  not_after        bigint NOT NULL,
  active           boolean NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX authority_active ON authority (mesh, purpose) WHERE active;

CREATE TABLE issued_certificate (
  serial      text COLLATE "C" PRIMARY KEY,
  mesh        text COLLATE "C" NOT NULL,
  spiffe_id   text NOT NULL,
  instance    text NOT NULL,
  not_before  bigint NOT NULL,
  not_after   bigint NOT NULL,
  issuer      text NOT NULL
);
CREATE INDEX issued_certificate_end ON issued_certificate (not_after);
`;

/** The audit chain: libs/store/src/audit/chain.ts says what is hashed. The application may only insert and read. */
export const AUDIT_TABLES = `
CREATE TABLE audit_entry (
  seq           bigint PRIMARY KEY, -- from 1 without a gap
  revision      bigint NOT NULL,    -- config revision after it; the one before for what changed nothing
  at            timestamptz NOT NULL,
  decision      text NOT NULL CHECK (decision IN ('applied', 'refused')),
  payload       text NOT NULL,      -- canonical JSON (RFC 8785)
  payload_hash  text NOT NULL,
  prev          text NOT NULL,
  hash          text NOT NULL,
  xact          xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX audit_entry_revision ON audit_entry (revision);
`;

/** SEC-61: a commit that changes a resource without an audit entry of the same transaction and revision fails. */
export const AUDIT_TRIGGER = `
CREATE FUNCTION require_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
  wanted bigint;
BEGIN
  IF TG_OP = 'DELETE' THEN
    SELECT revision INTO wanted FROM stream WHERE stream = 'config';
  ELSE
    wanted := NEW.updated_revision;
  END IF;
  IF NOT EXISTS (
    SELECT 1 FROM audit_entry
    WHERE revision = wanted AND decision = 'applied' AND xact = pg_current_xact_id()
  ) THEN
    RAISE EXCEPTION 'resource % % was changed without an audit entry of revision %',
      COALESCE(NEW.kind, OLD.kind), COALESCE(NEW.name, OLD.name), wanted
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'resource_audited';
  END IF;
  RETURN NULL;
END
$body$;

CREATE CONSTRAINT TRIGGER resource_audited
  AFTER INSERT OR UPDATE OR DELETE ON resource
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION require_audit_entry();
`;

/**
 * Tables of telemetry: what is known of one service in one bucket of time is one row, in several views. Each is cut by
 * resolution (`tier`, seconds; 0 = single failures), and each of these into ranges of time, which are dropped whole.
 */
export const SIGNAL_VIEWS = ['service', 'pair', 'edge', 'instance', 'zone'] as const;

const PAGES = SIGNAL_VIEWS.map((view) => `signal_${view}`);

/** Seconds of a bucket, then milliseconds: of a range, and that buckets are kept at least. */
const TIERS = [
  [0, 6 * 3_600_000, 24 * 3_600_000],
  [10, 1_800_000, 3_600_000],
  [60, 6 * 3_600_000, 24 * 3_600_000],
  [600, 24 * 3_600_000, 30 * 24 * 3_600_000],
  [10_800, 10 * 24 * 3_600_000, 30 * 24 * 3_600_000],
  [86_400, 10 * 24 * 3_600_000, 30 * 24 * 3_600_000],
] as const;

const BUCKETS = TIERS.map(([tier]) => tier).filter((tier) => tier > 0);

const tiersOf = (table: string): string =>
  BUCKETS.map(
    (tier) => `CREATE TABLE ${table}_${tier} PARTITION OF ${table} FOR VALUES IN (${tier}) PARTITION BY RANGE (at);`,
  ).join('\n');

export const SIGNAL_TABLES = `
CREATE TABLE signal_tier (
  tier          integer PRIMARY KEY, -- seconds of a bucket; 0: single failures
  width         bigint NOT NULL CHECK (width > 0), -- milliseconds of a range
  keep          bigint NOT NULL CHECK (keep > 0), -- milliseconds that a bucket is kept at least
  rolled_until  bigint NOT NULL DEFAULT 0 -- buckets that begin before are made of those of the tier before
);
INSERT INTO signal_tier (tier, width, keep) VALUES ${TIERS.map((row) => `(${row.join(', ')})`).join(', ')};

CREATE TABLE signal_range (
  tier   integer NOT NULL REFERENCES signal_tier,
  lower  bigint NOT NULL, -- milliseconds since the epoch; names the partitions: <table>_<tier>_<lower in seconds>
  upper  bigint NOT NULL CHECK (upper > lower),
  PRIMARY KEY (tier, lower)
);

-- Buckets that have to be made once more: a part of what they are made of came late.
CREATE TABLE signal_redo (
  tier  integer NOT NULL,
  at    bigint NOT NULL,
  PRIMARY KEY (tier, at)
);

-- What a source has left for a bucket: the same content again is nothing new, another takes its place.
CREATE TABLE signal_part (
  tier      integer NOT NULL,
  at        bigint NOT NULL, -- begin of the bucket, milliseconds since the epoch
  mesh      text COLLATE "C" NOT NULL,
  source    text COLLATE "C" NOT NULL, -- the collector; '' once it is made of all of them
  hash      text COLLATE "C" NOT NULL,
  complete  boolean NOT NULL, -- false: something that belongs here was dropped
  PRIMARY KEY (tier, at, mesh, source)
) PARTITION BY LIST (tier);
${tiersOf('signal_part')}

${PAGES.map(
  (table) => `
CREATE TABLE ${table} (
  tier    integer NOT NULL,
  at      bigint NOT NULL,
  mesh    text COLLATE "C" NOT NULL,
  callee  text COLLATE "C" NOT NULL, -- <namespace>/<service>/<port>
  source  text COLLATE "C" NOT NULL,
  cells   bytea NOT NULL, -- libs/telemetry has the format; those of more than two kilobytes are compressed
  PRIMARY KEY (tier, at, mesh, callee, source)
) PARTITION BY LIST (tier);
${tiersOf(table)}`,
).join('\n')}

CREATE TABLE signal_failure (
  at               bigint NOT NULL, -- begin, milliseconds since the epoch
  mesh             text COLLATE "C" NOT NULL,
  source           text COLLATE "C" NOT NULL,
  part             bigint NOT NULL, -- the bucket that it came with
  n                integer NOT NULL, -- its place there
  what             text COLLATE "C" NOT NULL, -- request, attempt
  request_id       text COLLATE "C" NOT NULL,
  caller           text COLLATE "C" NOT NULL,
  caller_instance  text COLLATE "C" NOT NULL,
  callee           text COLLATE "C" NOT NULL,
  subset           text COLLATE "C" NOT NULL,
  instance         text COLLATE "C" NOT NULL,
  route            text COLLATE "C" NOT NULL,
  outcome          text COLLATE "C" NOT NULL,
  status           integer NOT NULL,
  flags            text COLLATE "C" NOT NULL,
  details          text COLLATE "C" NOT NULL,
  method           text COLLATE "C" NOT NULL,
  path             text COLLATE "C" NOT NULL,
  duration_ms      double precision NOT NULL,
  attempt          integer NOT NULL,
  PRIMARY KEY (at, mesh, source, part, n)
) PARTITION BY RANGE (at);
CREATE INDEX signal_failure_of ON signal_failure (mesh, callee, at);
CREATE INDEX signal_failure_request ON signal_failure (mesh, request_id);
CREATE INDEX signal_failure_part ON signal_failure (part, mesh, source);
`;

/**
 * `heddle_app` may not run DDL; the last function makes a range that comes, or drops one whose time is over, and nothing
 * else, as its owner: one, so that whoever reads or writes meanwhile waits for no more than that. What is yet to be rolled
 * up is kept three times as long, and no longer. It waits a second for a lock at most, and takes the next range then.
 */
export const SIGNAL_RANGES = `
CREATE FUNCTION signal_tables(of_tier integer) RETURNS text[] LANGUAGE sql IMMUTABLE
RETURN CASE WHEN of_tier = 0 THEN ARRAY['signal_failure'] ELSE ARRAY[${['signal_part', ...PAGES]
  .map((table) => `'${table}_' || of_tier`)
  .join(', ')}] END;

CREATE FUNCTION make_signal_range(of_tier integer, low bigint) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  high bigint := low + (SELECT width FROM signal_tier WHERE tier = of_tier);
  parent text;
BEGIN
  FOREACH parent IN ARRAY signal_tables(of_tier) LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s) WITH (toast_tuple_target = 8160)',
      parent || '_' || low / 1000, parent, low, high);
  END LOOP;
  INSERT INTO signal_range VALUES (of_tier, low, high);
END
$body$;

CREATE FUNCTION ensure_signal_range() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '1s' AS $body$
DECLARE
  now_ms bigint := extract(epoch FROM clock_timestamp()) * 1000;
  r record;
BEGIN
  PERFORM pg_advisory_xact_lock(4818203112);
  SELECT t.tier, greatest((now_ms / t.width - 1) * t.width, (SELECT max(upper) FROM signal_range s WHERE s.tier = t.tier)) AS low
    INTO r FROM signal_tier t
    WHERE coalesce((SELECT max(upper) FROM signal_range s WHERE s.tier = t.tier), 0) < now_ms + 2 * t.width
    ORDER BY t.tier LIMIT 1;
  IF FOUND THEN
    PERFORM make_signal_range(r.tier, r.low);
    RETURN true;
  END IF;
  FOR r IN SELECT s.* FROM signal_range s JOIN signal_tier t USING (tier)
    CROSS JOIN LATERAL (SELECT (SELECT n.rolled_until FROM signal_tier n WHERE n.tier > t.tier AND t.tier > 0 ORDER BY n.tier LIMIT 1) AS until) rolled
    WHERE s.upper <= now_ms - t.keep AND (rolled.until IS NULL OR s.upper <= rolled.until OR s.upper <= now_ms - 3 * t.keep)
    ORDER BY s.upper
  LOOP
    BEGIN
      EXECUTE 'DROP TABLE ' || (SELECT string_agg(quote_ident(parent || '_' || r.lower / 1000), ', ')
        FROM unnest(signal_tables(r.tier)) AS parent);
      DELETE FROM signal_range WHERE tier = r.tier AND lower = r.lower;
      RETURN true;
    EXCEPTION WHEN lock_not_available THEN NULL;
    END;
  END LOOP;
  RETURN false;
END
$body$;
DO $body$ BEGIN WHILE ensure_signal_range() LOOP END LOOP; END $body$;
`;

export const NO_SIGNALS = `
DROP FUNCTION ensure_signal_range(), make_signal_range(integer, bigint), signal_tables(integer);
DROP TABLE signal_failure, ${['signal_part', ...PAGES].join(', ')}, signal_redo, signal_range, signal_tier;
`;

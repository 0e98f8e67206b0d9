import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What pages of before were made for: rows that fill a block. Those of now are larger, and lie better in pieces of a quarter of it. */
const RANGE = (options: string): string => `
CREATE OR REPLACE FUNCTION make_signal_range(of_tier integer, low bigint) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  high bigint := low + (SELECT width FROM signal_tier WHERE tier = of_tier);
  parent text;
BEGIN
  FOREACH parent IN ARRAY signal_tables(of_tier) LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)${options}',
      parent || '_' || low / 1000, parent, low, high);
  END LOOP;
  INSERT INTO signal_range VALUES (of_tier, low, high);
END
$body$`;

/**
 * Telemetry gives way when the disk is full. `heddle_app` may not run DDL: the function drops the oldest range of time of the
 * resolution that takes the most room, and never the one that is written now.
 */
export class ShedSignals1795821700000 implements MigrationInterface {
  readonly name = 'ShedSignals1795821700000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(RANGE(''));
    await runner.query(`
CREATE FUNCTION shed_signal_range() RETURNS TABLE (seconds integer, since bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '1s' AS $body$
DECLARE
  now_ms bigint := extract(epoch FROM clock_timestamp()) * 1000;
  r record;
BEGIN
  PERFORM pg_advisory_xact_lock(4818203112);
  FOR r IN
    SELECT sized.tier, sized.lower FROM (
      SELECT s.tier, s.lower, bytes.of_range, sum(bytes.of_range) OVER (PARTITION BY s.tier) AS of_tier
      FROM signal_range s CROSS JOIN LATERAL (
        SELECT sum(pg_total_relation_size(quote_ident(parent || '_' || s.lower / 1000)::regclass)) AS of_range
        FROM unnest(signal_tables(s.tier)) AS parent) bytes
      WHERE s.upper <= now_ms) sized
    -- Those that give back next to nothing come last.
    ORDER BY sized.of_range > 1000000 DESC, sized.of_tier DESC, sized.lower
  LOOP
    BEGIN
      EXECUTE 'DROP TABLE ' || (SELECT string_agg(quote_ident(parent || '_' || r.lower / 1000), ', ')
        FROM unnest(signal_tables(r.tier)) AS parent);
      DELETE FROM signal_range g WHERE g.tier = r.tier AND g.lower = r.lower;
      RETURN QUERY SELECT r.tier::integer, r.lower::bigint;
      RETURN;
    EXCEPTION WHEN lock_not_available THEN NULL;
    END;
  END LOOP;
END
$body$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION shed_signal_range()');
    await runner.query(RANGE(' WITH (toast_tuple_target = 8160)'));
  }
}

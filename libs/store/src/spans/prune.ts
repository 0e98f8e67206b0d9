/** What has outlived its time, in pieces that hold no lock for long. */
import type { Sql } from '../database.js';
import { LEFT_BEHIND } from './write.js';

const KEPT = `interval '30 days'`;
/** A replica's row goes after a day; its spans are ended before that. */
const LOST_MS = 82_800_000;
const SPANS_AT_ONCE = 5_000;
const MANIFESTS_AT_ONCE = 100;
/** Of each kind in one round; the next round goes on. */
const PIECES = 20;

const END_LOST = `
UPDATE stream_span s SET until = e.until FROM (
  SELECT s.id, coalesce(${LEFT_BEHIND}, greatest(s.since, to_timestamp(r.seen_at / 1000.0)), s.since) AS until
  FROM stream_span s LEFT JOIN replica r USING (replica)
  WHERE s.until IS NULL AND (r.replica IS NULL OR s.since < to_timestamp(r.started_at / 1000.0)
    OR r.seen_at < extract(epoch FROM clock_timestamp()) * 1000 - ${LOST_MS})
  LIMIT ${SPANS_AT_ONCE}
) e WHERE s.id = e.id AND s.until IS NULL RETURNING 1 AS done`;

const OLD_SPANS = `
DELETE FROM stream_span WHERE id IN (
  SELECT id FROM stream_span WHERE until < now() - ${KEPT} LIMIT ${SPANS_AT_ONCE}
) RETURNING 1 AS done`;

// `touched` is looked at again under the row's lock: a replica may be about to refer to what was of no use so far.
const OLD_MANIFESTS = `
WITH unused AS (
  SELECT mesh, hash FROM manifest m WHERE touched < now() - ${KEPT}
  AND NOT EXISTS (SELECT 1 FROM stream_span s WHERE s.mesh = m.mesh AND s.manifest = m.hash)
  AND NOT EXISTS (SELECT 1 FROM stream_span s WHERE s.mesh = m.mesh AND s.own = m.hash)
  AND NOT EXISTS (SELECT 1 FROM manifest d WHERE d.mesh = m.mesh AND d.base = m.hash)
  LIMIT ${MANIFESTS_AT_ONCE}
), gone AS (
  DELETE FROM manifest m USING unused u WHERE m.mesh = u.mesh AND m.hash = u.hash AND m.touched < now() - ${KEPT}
  RETURNING m.mesh, m.hash, m.artifacts
), freed AS (
  SELECT DISTINCT mesh, unnest(artifacts) AS artifact FROM gone
), deleted AS (
  DELETE FROM artifact a USING freed f
  WHERE a.mesh = f.mesh AND a.type = split_part(f.artifact, '/', 1) AND a.hash = split_part(f.artifact, '/', 2)
  AND a.touched < now() - interval '2 days'
  AND NOT EXISTS (
    SELECT 1 FROM manifest m WHERE m.mesh = f.mesh AND m.artifacts @> ARRAY[f.artifact]
    AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.mesh = m.mesh AND g.hash = m.hash))
)
SELECT 1 AS done FROM gone`;

async function inPieces(sql: Sql, statement: string, size: number): Promise<void> {
  for (let piece = 0; piece < PIECES; piece += 1) {
    if ((await sql.query(statement)).length < size) return;
  }
}

/** Ends the spans that nobody will ever end: of processes that have gone without a word. */
export const endLostSpans = (sql: Sql): Promise<void> => inPieces(sql, END_LOST, SPANS_AT_ONCE);

export async function pruneSpans(sql: Sql): Promise<void> {
  await endLostSpans(sql);
  await inPieces(sql, OLD_SPANS, SPANS_AT_ONCE);
  await inPieces(sql, OLD_MANIFESTS, MANIFESTS_AT_ONCE);
}

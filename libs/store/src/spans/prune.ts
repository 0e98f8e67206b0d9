/** What has outlived its time, in pieces that hold no lock for long. */
import type { Database, Sql } from '../database.js';
import { inPieces } from '../retention/pieces.js';
import { LEFT_BEHIND } from './write.js';

const KEPT = `interval '30 days'`;
/** A replica's row goes after a day; its spans are ended before that. */
const LOST_MS = 82_800_000;
const SPANS_AT_ONCE = 5_000;
const MANIFESTS_AT_ONCE = 100;
/** Times that so many sets are removed in one round; the next round goes on. */
const SETS = 20;

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

/** What sets that are removed together have, but at least one set: most of it they have in common. */
const ARTIFACTS_OF_SETS = 20_000;
/** Each is looked up in the index of what sets have: a piece is kept small. */
const ARTIFACTS_AT_ONCE = 100;

const UNUSED = `
SELECT mesh, hash, artifacts FROM (
  SELECT *, sum(cardinality(artifacts)) OVER (ORDER BY mesh, hash) - cardinality(artifacts) AS before FROM (
    SELECT mesh, hash, artifacts FROM manifest m WHERE touched < now() - ${KEPT}
    AND NOT EXISTS (SELECT 1 FROM stream_span s WHERE s.mesh = m.mesh AND s.manifest = m.hash)
    AND NOT EXISTS (SELECT 1 FROM stream_span s WHERE s.mesh = m.mesh AND s.own = m.hash)
    AND NOT EXISTS (SELECT 1 FROM manifest d WHERE d.mesh = m.mesh AND d.base = m.hash)
    LIMIT ${MANIFESTS_AT_ONCE}
  ) unused
) summed WHERE before < ${ARTIFACTS_OF_SETS}`;

// Each artifact is a look-up of its own (OFFSET) in the index of what sets have, and no other one would do (''): sets are few
// rows of thousands of contents each, which the planner believes to be read as fast as others.
const BY_INDEX = 'SET LOCAL enable_seqscan = off';
// `touched` is looked at again under the row's lock: a replica may be about to refer to what was of no use so far.
const FREED = `
DELETE FROM artifact a USING unnest($1::text[], $2::text[]) AS f(mesh, artifact)
WHERE a.mesh = f.mesh AND a.type = split_part(f.artifact, '/', 1) AND a.hash = split_part(f.artifact, '/', 2)
AND a.touched < now() - interval '2 days'
AND NOT EXISTS (
  SELECT 1 FROM manifest m WHERE m.mesh || '' = f.mesh AND m.artifacts @> ARRAY[f.artifact]
  AND NOT (m.touched < now() - ${KEPT} AND (m.mesh, m.hash) IN (SELECT * FROM unnest($3::text[], $4::text[])))
  OFFSET 0)`;

const REMOVE = `
DELETE FROM manifest m USING unnest($1::text[], $2::text[]) AS u(mesh, hash)
WHERE m.mesh = u.mesh AND m.hash = u.hash AND m.touched < now() - ${KEPT}`;

interface Unused {
  readonly mesh: string;
  readonly hash: string;
  readonly artifacts: readonly string[];
}

/** Ends the spans that nobody will ever end: of processes that have gone without a word. */
export const endLostSpans = (sql: Sql): Promise<void> => inPieces(sql, { statement: END_LOST, atOnce: SPANS_AT_ONCE });

export const pruneSpans = (sql: Sql): Promise<void> => inPieces(sql, { statement: OLD_SPANS, atOnce: SPANS_AT_ONCE });

/** Sets that nobody refers to, and what only they had: that first, so that whatever stops it leaves nothing behind. */
export async function pruneManifests(sql: Pick<Database, 'query' | 'transaction'>): Promise<void> {
  for (let piece = 0; piece < SETS; piece += 1) {
    const unused = await sql.query<Unused>(UNUSED);
    if (unused.length === 0) return;
    const sets = [unused.map(({ mesh }) => mesh), unused.map(({ hash }) => hash)];
    for (const freed of artifactsOf(unused)) {
      await sql.transaction(async (own) => {
        await own.query(BY_INDEX);
        await own.query(FREED, [...freed, ...sets]);
      });
    }
    await sql.query(REMOVE, sets);
  }
}

/** Each once, in pieces: meshes, and artifacts in the same order. */
function* artifactsOf(unused: readonly Unused[]): Generator<readonly [string[], string[]]> {
  const all = unused.flatMap(({ mesh, artifacts }) => artifacts.map((artifact) => [mesh, artifact] as const));
  const each = [...new Map(all.map((one) => [one.join(' '), one])).values()];
  for (let from = 0; from < each.length; from += ARTIFACTS_AT_ONCE) {
    const piece = each.slice(from, from + ARTIFACTS_AT_ONCE);
    yield [piece.map(([mesh]) => mesh), piece.map(([, artifact]) => artifact)];
  }
}

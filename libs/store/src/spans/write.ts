import type { Sql } from '../database.js';
import type { NewArtifact, NewManifest, SpanBatch, SpanStart } from '../ports.js';

// Whoever removes what nobody refers to looks at `touched` again once it has the row's lock.
const ARTIFACTS = `
INSERT INTO artifact (mesh, type, hash, name, bytes, revision)
SELECT a.mesh, a.type, a.hash, a.name, decode(a.bytes, 'base64'), a.revision
FROM json_to_recordset($1::json) AS a(mesh text, type text, hash text, name text, bytes text, revision bigint)
ORDER BY a.mesh, a.type, a.hash
ON CONFLICT (mesh, type, hash) DO UPDATE SET touched = now()`;

const MANIFESTS = `
INSERT INTO manifest (mesh, hash, base, entries, artifacts)
SELECT m.mesh, m.hash, m.base, m.entries, ARRAY(SELECT json_array_elements_text(m.artifacts))
FROM json_to_recordset($1::json) AS m(mesh text, hash text, base text, entries json, artifacts json)
ORDER BY m.mesh, m.hash
ON CONFLICT (mesh, hash) DO UPDATE SET touched = now()`;

/** When the process that wrote a span was last seen, if it is not the present one of its replica `r`. */
export const LEFT_BEHIND = `CASE WHEN s.since < to_timestamp(r.started_at / 1000.0)
  THEN greatest(s.since, to_timestamp(r.previous_seen_at / 1000.0)) END`;

/** Times are answered in whole milliseconds, and must be found by what was answered. */
const ago = (ms: string): string => `date_trunc('milliseconds', now() - ${ms} * interval '1 ms')`;

const END = `
UPDATE stream_span s SET until = coalesce(e.left_behind, greatest(s.since, ${ago('e.ago')}))
FROM (
  SELECT s.id, o.ago, ${LEFT_BEHIND} AS left_behind
  FROM json_to_recordset($1::json) AS o(mesh text, instance text, ago float8)
  JOIN stream_span s ON s.mesh = o.mesh AND s.instance = o.instance AND s.until IS NULL AND s.replica = $2
  LEFT JOIN replica r ON r.replica = s.replica
) e WHERE s.id = e.id`;

const START = `
INSERT INTO stream_span (mesh, instance, replica, manifest, own, pins, config_revision, since, until)
SELECT o.mesh, o.instance, $2, o.manifest, o.own, o.pins, o.revision,
  ${ago('o.ago')}, ${ago('o.until_ago')}
FROM json_to_recordset($1::json)
  AS o(mesh text, instance text, manifest text, own text, pins json, revision bigint, ago float8, until_ago float8)`;

const artifactRecord = ({ bytes, ...artifact }: NewArtifact): object => ({
  ...artifact,
  bytes: Buffer.from(bytes).toString('base64'),
});

const manifestRecord = ({ mesh, hash, base, entries }: NewManifest): object => ({
  ...{ mesh, hash, base: base ?? null, entries },
  artifacts: [...new Set(entries.filter((entry) => entry[2] !== '').map(([type, , of]) => `${type}/${of}`))],
});

const keyOf = ({ mesh, instance }: SpanStart): string => `${mesh}/${instance}`;

/** Each start that says what is held, with the end that the next one of its instance is. */
function spanRecords(starts: readonly SpanStart[]): object[] {
  const next = new Map<string, number>();
  return [...starts]
    .reverse()
    .flatMap((start) => {
      const { mesh, instance, agoMs, held } = start;
      const until = next.get(keyOf(start)) ?? null;
      next.set(keyOf(start), agoMs);
      return held ? [{ mesh, instance, ...held, ago: agoMs, until_ago: until }] : [];
    })
    .reverse();
}

/** The first start of each instance ends what is open. */
function endRecords(starts: readonly SpanStart[]): object[] {
  const first = new Map<string, object>();
  for (const start of starts) {
    const { mesh, instance, agoMs } = start;
    if (!first.has(keyOf(start))) first.set(keyOf(start), { mesh, instance, ago: agoMs });
  }
  return [...first.values()];
}

export async function writeSpans(
  sql: Sql,
  replica: string,
  { artifacts, manifests, starts }: SpanBatch,
): Promise<void> {
  if (artifacts.length > 0) await sql.query(ARTIFACTS, [JSON.stringify(artifacts.map(artifactRecord))]);
  if (manifests.length > 0) await sql.query(MANIFESTS, [JSON.stringify(manifests.map(manifestRecord))]);
  if (starts.length === 0) return;
  await sql.query(END, [JSON.stringify(endRecords(starts)), replica]);
  const spans = spanRecords(starts);
  if (spans.length > 0) await sql.query(START, [JSON.stringify(spans), replica]);
}

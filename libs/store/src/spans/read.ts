import type { Sql } from '../database.js';
import { REPLICA_LEASE_MS } from '../instances/sweep.js';
import type { HeldEntry, HeldResource, InstanceThen, Pin, Span, SpanAt, When } from '../ports.js';
import { NOW_MS } from '../sql-time.js';
import { LEFT_BEHIND } from './write.js';

/** How far back from a time is looked for a span that covers it: an instance may be attached to several replicas. */
const NEAREST = 20;

/** Spans by `condition`, with the end that is true: also of those that nobody could end. */
const spans = (condition: string, order: 'ASC' | 'DESC'): string => `
SELECT s.manifest, s.own, s.pins, s.config_revision AS revision, s.replica, s.since,
  coalesce(s.until, CASE WHEN r.replica IS NULL THEN s.since END, ${LEFT_BEHIND},
    CASE WHEN r.seen_at < ${NOW_MS} - ${REPLICA_LEASE_MS} THEN greatest(s.since, to_timestamp(r.seen_at / 1000.0)) END
  ) AS until
FROM stream_span s LEFT JOIN replica r USING (replica)
WHERE s.mesh = $1 AND s.instance = $2 AND ${condition}
ORDER BY s.since ${order}, s.id ${order} LIMIT ${NEAREST}`;

const TIME = `SELECT now() AS now, coalesce($1::timestamptz, now() - $2::float8 * interval '1 ms') AS at`;
const BEFORE = `SELECT * FROM (${spans('s.since <= $3::timestamptz', 'DESC')}) known
ORDER BY (until IS NULL OR until > $3::timestamptz) DESC, since DESC LIMIT 1`;
const NEXT = `
SELECT min(since) AS since FROM stream_span WHERE mesh = $1 AND instance = $2 AND since > $3::timestamptz`;

interface SpanRow {
  readonly manifest: string;
  readonly own: string;
  readonly pins: readonly Pin[];
  readonly revision: number;
  readonly replica: string;
  readonly since: Date;
  readonly until: Date | null;
}

const toSpan = ({ since, until, ...row }: SpanRow): Span => ({
  ...row,
  since: since.toISOString(),
  until: until?.toISOString(),
});

export async function spanAt(sql: Sql, mesh: string, instance: string, when: When): Promise<SpanAt> {
  const asked = 'time' in when ? [when.time, null] : [null, when.agoMs];
  const [time] = await sql.query<{ now: Date; at: Date }>(TIME, asked);
  if (time === undefined) throw new Error('Postgres did not say what time it is');
  const [span] = await sql.query<SpanRow>(BEFORE, [mesh, instance, time.at]);
  const [next] = await sql.query<{ since: Date | null }>(NEXT, [mesh, instance, time.at]);
  return {
    at: time.at.toISOString(),
    now: time.now.toISOString(),
    span: span && toSpan(span),
    next: next?.since?.toISOString(),
  };
}

const OF_REVISION = `SELECT * FROM (${spans('s.config_revision = $3', 'ASC')}) known LIMIT 1`;

export async function spanOfRevision(
  sql: Sql,
  mesh: string,
  instance: string,
  revision: number,
): Promise<Span | undefined> {
  const [row] = await sql.query<SpanRow>(OF_REVISION, [mesh, instance, revision]);
  return row && toSpan(row);
}

const MANIFESTS = `
SELECT m.entries, b.entries AS base FROM manifest m
LEFT JOIN manifest b ON b.mesh = m.mesh AND b.hash = m.base
WHERE m.mesh = $1 AND m.hash = ANY ($2::text[])`;
const FIRST = `
SELECT a.type, a.hash, a.revision, a.first_seen AS "firstSeen" FROM artifact a
JOIN unnest($2::text[], $3::text[]) AS k(type, hash) USING (type, hash) WHERE a.mesh = $1`;

interface ManifestRow {
  readonly entries: readonly HeldEntry[];
  readonly base: readonly HeldEntry[] | null;
}

function whole(rows: readonly ManifestRow[]): readonly HeldEntry[] {
  const found = new Map<string, HeldEntry>();
  for (const { base, entries } of rows) {
    for (const entry of [...(base ?? []), ...entries]) {
      const [type, name, hash] = entry;
      if (hash === '') found.delete(`${type} ${name}`);
      else found.set(`${type} ${name}`, entry);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

export async function resourcesOf(
  sql: Sql,
  mesh: string,
  manifests: readonly string[],
): Promise<readonly HeldResource[]> {
  const entries = whole(await sql.query<ManifestRow>(MANIFESTS, [mesh, manifests]));
  const first = await sql.query<{ type: string; hash: string; revision: number; firstSeen: Date }>(FIRST, [
    mesh,
    entries.map(([type]) => type),
    entries.map(([, , hash]) => hash),
  ]);
  const known = new Map(first.map((row) => [`${row.type}/${row.hash}`, row]));
  return entries.map(([type, name, hash]) => {
    const row = known.get(`${type}/${hash}`);
    return { type, name, hash, revision: row?.revision, firstSeen: row?.firstSeen.toISOString() };
  });
}

const CONTENT = 'SELECT bytes FROM artifact WHERE mesh = $1 AND type = $2 AND hash = $3';

export async function contentOf(sql: Sql, mesh: string, type: string, hash: string): Promise<Uint8Array | undefined> {
  const [row] = await sql.query<{ bytes: Buffer }>(CONTENT, [mesh, type, hash]);
  return row?.bytes;
}

// The last event that decides. What has had none since the log was cut is as it is now, if nothing decided it later.
const INSTANCES = `
(SELECT DISTINCT ON (namespace, name) namespace, name, op = 'routable' AND detail = 'ready' AS routable
FROM instance_event
WHERE mesh = $1 AND namespace = ANY ($2::text[]) AND at <= $3::timestamptz AND op IN ('routable', 'leave', 'remove')
ORDER BY namespace, name, runtime_revision DESC, position DESC)
UNION ALL
SELECT i.namespace, i.name, i.routable FROM instance i
WHERE i.mesh = $1 AND i.namespace = ANY ($2::text[]) AND NOT EXISTS (
  SELECT 1 FROM instance_event e WHERE e.mesh = i.mesh AND e.namespace = i.namespace AND e.name = i.name
  AND e.op IN ('register', 'routable', 'leave', 'remove'))`;

export const instancesAt = (
  sql: Sql,
  mesh: string,
  namespaces: readonly string[],
  time: string,
): Promise<InstanceThen[]> => sql.query<InstanceThen>(INSTANCES, [mesh, namespaces, time]);

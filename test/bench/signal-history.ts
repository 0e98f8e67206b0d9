/** Thirty days of telemetry, put in place in bulk: as harvests and roll-ups would have left it, in far less time. */
import type { Client } from 'pg';
import type { SignalPage } from '#libs/store';
import { type EdgeCell, type Harvest, type InstanceCell, LatencySketch, partsOf, type ZoneCell } from '#libs/telemetry';
import { summedPages } from './signal-pages.js';

export const SERVICES = 200;
const CALLERS = 10;
const ROUTES = 3;
const INSTANCES = 3;
/** Buckets that are made one by one; the others are copies of them. */
const TEMPLATES = 12;
/** One edge in so many has failures. */
const FAILING = 20;

/** Seconds of a bucket, requests of an edge in it that were measured, days that it is filled. */
const MEASURED = [
  [10, 4, 1 / 24],
  [60, 20, 1],
  [600, 100, 30],
] as const;
/** Seconds of a bucket, and of what it is made of. */
const ROLLED = [
  [10_800, 600],
  [86_400, 10_800],
] as const;

/** The same numbers each time: mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function numbers(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function latencies(random: () => number, count: number, medianMs: number): LatencySketch {
  const sketch = new LatencySketch();
  // As collectors do, who stretch the sample to what was counted: no two edges have the same weight, and few a whole one.
  const weight = 14 + 4 * random();
  for (let i = 0; i < count; i += 1) {
    // Log-normal, by Box and Muller.
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    sketch.add(medianMs * Math.exp(0.7 * normal), weight);
  }
  return sketch;
}

/** 2,000 edges of 200 services, each with ten callers. */
export function harvest(seed: number, perEdge: number): Harvest {
  const random = numbers(seed);
  const edges: EdgeCell[] = [];
  const instances: InstanceCell[] = [];
  const zones: ZoneCell[] = [];
  const bucket = { at: 0, lengthMs: 10_000, complete: true };
  const okay = (count: number, medianMs: number) =>
    ({ ...bucket, outcome: 'ok', attempts: count * 16, latencies: latencies(random, count, medianMs) }) as const;
  for (let s = 0; s < SERVICES; s += 1) {
    const callee = `team-${s % 20}/service-${s}/http`;
    const medianMs = 3 + (s % 50);
    for (let c = 0; c < CALLERS; c += 1) {
      const of = (s * 7 + c * 13) % SERVICES;
      const route = `HTTPRoute/team-${s % 20}/service-${s}/${c % ROUTES}`;
      const cell = { caller: `team-${of % 20}/service-${of}`, callee, subset: '', route };
      edges.push({ ...cell, ...okay(perEdge, medianMs), status: 200, requests: perEdge * 16 });
      if ((s + c) % FAILING > 0) continue;
      edges.push({ ...cell, ...okay(2, 1), outcome: 'reset', status: 503, requests: 2, attempts: 6 });
    }
    const each = Math.ceil((perEdge * CALLERS) / INSTANCES);
    for (let i = 0; i < INSTANCES; i += 1) {
      const instance = `team-${s % 20}/service-${s}/service-${s}-${i}`;
      instances.push({ ...okay(each, medianMs), callee, instance, version: `v${1 + (i % 2)}`, zone: `zone-${i}` });
      zones.push({ ...okay(each, medianMs), callee, callerZone: `zone-${i}`, calleeZone: `zone-${(i + s) % 3}` });
    }
  }
  return { mesh: 'default', source: 'bench', edges, instances, zones, failures: [] };
}

type Pages = readonly SignalPage[];

const COPY = (view: string, from: string): string => `
INSERT INTO signal_${view} (tier, at, mesh, callee, source, cells)
SELECT $1, b.at, 'default', t.shelf, $4, t.cells
FROM generate_series($2::bigint, $3::bigint, $1 * 1000::bigint) AS b(at)
JOIN ${from} t ON t.tier = $1 AND t.view = '${view}' AND t.n = (b.at / ($1 * 1000)) % ${TEMPLATES}`;

async function place(raw: Client, tier: number, templates: readonly Pages[]): Promise<void> {
  for (const [n, pages] of templates.entries()) {
    const columns = [pages.map(({ view }) => view), pages.map(({ shelf }) => shelf), pages.map(({ cells }) => cells)];
    await raw.query(
      `INSERT INTO template SELECT $1, $2, p.* FROM unnest($3::text[], $4::text[], $5::bytea[]) AS p(view, shelf, cells)`,
      [tier, n, ...columns],
    );
  }
}

/** Ranges that reach back so far, as if Heddle had run all the time. */
async function makeRanges(raw: Client, now: number): Promise<void> {
  const { rows } = await raw.query<{ tier: number; width: string; lower: string }>(
    'SELECT t.tier, t.width, min(r.lower) AS lower FROM signal_tier t JOIN signal_range r USING (tier) GROUP BY t.tier, t.width',
  );
  await raw.query('SET ROLE heddle_migrate');
  for (const { tier, width, lower } of rows) {
    const days = tier >= 600 ? 31 : 2;
    for (let low = Number(lower) - Number(width); low + Number(width) > now - days * 86_400_000; low -= Number(width))
      await raw.query('SELECT make_signal_range($1, $2)', [tier, low]);
  }
  await raw.query('RESET ROLE');
}

/** Fills every resolution up to now. @param told what was done */
export async function fill(raw: Client, now: number, told: (line: string) => void): Promise<void> {
  await makeRanges(raw, now);
  await raw.query('CREATE TEMP TABLE template (tier integer, n integer, view text, shelf text, cells bytea)');
  let templates: readonly Pages[] = [];
  for (const [tier, perEdge] of MEASURED) {
    templates = Array.from({ length: TEMPLATES }, (_, n) => [...(partsOf(harvest(n + 1, perEdge))[0]?.pages ?? [])]);
    await place(raw, tier, templates);
  }
  for (const [tier, finer] of ROLLED) {
    const ratio = tier / finer;
    const made: Pages[] = [];
    for (let n = 0; n < TEMPLATES; n += 1)
      made.push(summedPages(Array.from({ length: ratio }, (_, i) => templates[(n + i) % TEMPLATES] ?? []).flat()));
    templates = made;
    await place(raw, tier, templates);
    told(`buckets of ${tier} s are made`);
  }
  await raw.query('ANALYZE template');
  const days = new Map<number, number>(MEASURED.map(([tier, , kept]) => [tier, kept]));
  for (const tier of [10, 60, 600, 10_800, 86_400]) {
    const length = tier * 1000;
    const until = Math.floor((now - 20_000) / length) * length;
    const from = Math.floor((now - (days.get(tier) ?? 30) * 86_400_000) / length) * length;
    for (const view of ['service', 'pair', 'edge', 'instance', 'zone'])
      await raw.query(COPY(view, 'template'), [tier, from, until - length, tier === 10 ? 'bench' : '']);
    await raw.query(
      `INSERT INTO signal_part SELECT $1, at, 'default', $4, 'bench', true FROM generate_series($2::bigint, $3::bigint, $1 * 1000::bigint) at`,
      [tier, from, until - length, tier === 10 ? 'bench' : ''],
    );
    if (tier > 10) await raw.query('UPDATE signal_tier SET rolled_until = $2 WHERE tier = $1', [tier, until]);
    told(`buckets of ${tier} s are in place`);
  }
  await raw.query('DROP TABLE template');
  await raw.query('ANALYZE');
}

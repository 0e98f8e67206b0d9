/**
 * `npm run bench:signals`: what each page of telemetry costs with thirty days of 200 services, 2,000 edges of which are
 * active in every bucket, and how many bytes that is.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { silentLog, silentMetrics } from '#libs/kernel';
import { openStore, type SignalPage, startEmbeddedPostgres } from '#libs/store';
import { EVERYTHING, harvestStore, partsOf, SignalQueries } from '#libs/telemetry';
import { fill, harvest, SERVICES } from './signal-history.js';
import { summedPages } from './signal-pages.js';

const { values } = parseArgs({ options: { samples: { type: 'string', default: '30' } } });
const samples = Number(values.samples);
const WARM_UP = 5;
/** Milliseconds that a page may take. */
const MUST = 100;

interface Row {
  readonly what: string;
  readonly p50: number;
  readonly p99: number;
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function timed(what: string, work: () => Promise<unknown>): Promise<Row> {
  const times: number[] = [];
  for (let n = -WARM_UP; n < samples; n += 1) {
    const from = performance.now();
    await work();
    if (n >= 0) times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  const at = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0;
  return { what, p50: at(0.5), p99: at(0.99) };
}

const [HOUR, DAY] = [3_600_000, 86_400_000];
const SINCE = { '15 min': HOUR / 4, '1 h': HOUR, '24 h': DAY, '7 d': 7 * DAY, '30 d': 30 * DAY };

async function pages(queries: SignalQueries): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, sinceMs] of Object.entries(SINCE)) {
    const ask = { mesh: 'default', sight: EVERYTHING, sort: 'rate', limit: 500, sinceMs } as const;
    const one = { ...ask, namespace: 'team-7', service: 'service-7' };
    rows.push(
      await timed(`services, ${name}`, () => queries.services(ask)),
      await timed(`a service with chart, routes, callers, instances, ${name}`, () => queries.service(one)),
      await timed(`map, ${name}`, () => queries.map(ask)),
      await timed(`edges, ${name}`, () => queries.edges(ask)),
      await timed(`instances, ${name}`, () => queries.instances(ask)),
      await timed(`zones, ${name}`, () => queries.zones(ask)),
    );
  }
  const ask = { mesh: 'default', sight: EVERYTHING, limit: 100, sinceMs: DAY };
  rows.push(
    await timed('failures, newest', () => queries.failures(ask)),
    await timed('failures of a service', () => queries.failures({ ...ask, callee: 'team-7/service-7' })),
    await timed('failures of a request', () => queries.failures({ ...ask, requestId: 'r-500' })),
  );
  return rows;
}

const SIZES = `
SELECT split_part(c.relname, '_', 2) AS view, split_part(c.relname, '_', 3) AS tier, sum(pg_total_relation_size(c.oid))::float8 / 1e6 AS mb
FROM pg_class c WHERE c.relname ~ '^signal_(service|pair|edge|instance|zone)_[0-9]+_[0-9]+$' AND c.relkind = 'r'
GROUP BY 1, 2 ORDER BY 2, 1`;

const FAILURES = `
INSERT INTO signal_failure SELECT $1::bigint + n * 80, 'default', 'bench', $1, n, 'request', 'r-' || n, 'team-1/service-' || n % 200,
  '', 'team-' || n % 20 || '/service-' || n % 200 || '/http', '', '', '', 'reset', 503, 'UC', 'upstream_reset', 'GET', '/a/path', 12, 1
FROM generate_series(1, 1000000) n`;

const dir = mkdtempSync(join(tmpdir(), 'heddle-bench-signals-'));
chmodSync(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
const server = await startEmbeddedPostgres({ dataDir: join(dir, 'data'), log: silentLog });
const raw = new Client({ connectionString: server.url });
const store = await openStore({ url: server.url, replica: 'bench' });
try {
  await raw.connect();
  await fill(raw, Date.now(), say);
  await raw.query(FAILURES, [Date.now() - DAY + HOUR]);
  await raw.query('ANALYZE signal_failure');
  const queries = new SignalQueries({ ...store, metrics: silentMetrics });
  const rows = await pages(queries);
  const harvests = harvestStore({ signals: store.signals, metrics: silentMetrics });
  const one = harvest(99, 4);
  let at = Math.floor(Date.now() / 10_000) * 10_000;
  const moved = () => {
    at += 10_000;
    const cells = <T extends { at: number }>(list: readonly T[]): T[] => list.map((cell) => ({ ...cell, at }));
    return { ...one, edges: cells(one.edges), instances: cells(one.instances), zones: cells(one.zones) };
  };
  rows.push(await timed('a harvest is written', () => harvests.write(moved())));
  const tenMinutes: SignalPage[] = [...(partsOf(harvest(7, 100))[0]?.pages ?? [])];
  const three = Array.from({ length: 18 }, () => tenMinutes).flat();
  rows.push(await timed('three hours are summed up of 18 buckets', () => Promise.resolve(summedPages(three))));
  const { rows: sizes } = await raw.query<{ view: string; tier: string; mb: number }>(SIZES);
  const lines = rows.map(
    ({ what, p50, p99 }) => `${what.padEnd(66)}${p50.toFixed(1).padStart(8)}${p99.toFixed(1).padStart(8)}`,
  );
  process.stdout.write(
    `${`ms, ${SERVICES} services`.padEnd(66)}${'p50'.padStart(8)}${'p99'.padStart(8)}\n${lines.join('\n')}\n`,
  );
  for (const { view, tier, mb } of sizes)
    process.stdout.write(`${`MB of ${view}, ${tier} s`.padEnd(66)}${mb.toFixed(1).padStart(8)}\n`);
  process.stdout.write(
    `${'MB together'.padEnd(66)}${sizes
      .reduce((sum, { mb }) => sum + mb, 0)
      .toFixed(0)
      .padStart(8)}\n`,
  );
  const slow = rows.filter(({ what, p50 }) => !what.startsWith('three hours') && p50 > MUST);
  for (const { what, p50 } of slow) process.stdout.write(`over ${MUST} ms: ${what}: ${p50.toFixed(0)}\n`);
  const results = join(import.meta.dirname, '../../../test/bench/signals.json');
  writeFileSync(results, `${JSON.stringify({ samples, rows, sizes }, null, 2)}\n`);
  if (slow.length > 0) process.exitCode = 1;
} finally {
  await raw.end();
  await store.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

/**
 * `npm run bench:signals`: what each page of telemetry costs with thirty days of 200 services, 2,000 edges of which are
 * active in every bucket, and how many bytes that is.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { silentLog, silentMetrics } from '#libs/kernel';
import { openStore, type SignalPage, startEmbeddedPostgres } from '#libs/store';
import { EVERYTHING, harvestStore, partsOf, SignalQueries } from '#libs/telemetry';
import { fill, harvest, SERVICES } from './signal-history.js';
import { summedPages } from './signal-pages.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '30' },
    /** Directory of a database that is kept for the next run. Filling it takes minutes. */
    data: { type: 'string' },
  },
});
const samples = Number(values.samples);
const WARM_UP = 5;
/** Milliseconds of a core that a page may take. */
const MUST = 100;

interface Row {
  readonly what: string;
  /** Milliseconds of a core, ours and Postgres's together: what it takes on a machine that does nothing else. */
  readonly cpu: number;
  /** The same of the first time, when no page is kept yet; absent where nothing is kept. */
  readonly cold?: number;
  /** Milliseconds that it took. */
  readonly best: number;
  readonly p50: number;
  readonly p99: number;
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const TICK_MS = 10;
const BACKENDS = `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'heddle-bench%'`;

/** Milliseconds of a core that this process and its connections to Postgres have used: proc_pid_stat(5). */
async function used(raw: Client): Promise<number> {
  const { rows } = await raw.query<{ pid: number }>(BACKENDS);
  const { user, system } = process.cpuUsage();
  const ticks = rows.map(({ pid }) => {
    const file = `/proc/${pid}/stat`;
    // One that was idle for long has ended meanwhile; then what it has used is missing from the difference.
    const fields = existsSync(file)
      ? readFileSync(file, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ')
      : [];
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  });
  return (user + system) / 1000 + ticks.reduce((sum, each) => sum + each, 0) * TICK_MS;
}

/** @param afresh makes everything forgotten that is kept */
type Timed = (what: string, work: () => Promise<unknown>, afresh?: () => void) => Promise<Row>;

const timedBy =
  (raw: Client): Timed =>
  async (what, work, afresh) => {
    const times: number[] = [];
    for (let n = 0; n < WARM_UP; n += 1) await work();
    const before = await used(raw);
    for (let n = 0; n < samples; n += 1) {
      const from = performance.now();
      await work();
      times.push(performance.now() - from);
    }
    const cpu = ((await used(raw)) - before) / samples;
    const cold = afresh && (await coldOf(raw, work, afresh));
    times.sort((x, y) => x - y);
    const at = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0;
    return { what, cpu, ...(cold === undefined ? {} : { cold }), best: at(0), p50: at(0.5), p99: at(0.99) };
  };

async function coldOf(raw: Client, work: () => Promise<unknown>, afresh: () => void): Promise<number> {
  const before = await used(raw);
  for (let n = 0; n < samples; n += 1) {
    afresh();
    await work();
  }
  return ((await used(raw)) - before) / samples;
}

/** One of those that call the service that is asked about. */
const CALLER = 'team-2/service-62';

const [HOUR, DAY] = [3_600_000, 86_400_000];
const SINCE = { '15 min': HOUR / 4, '1 h': HOUR, '24 h': DAY, '7 d': 7 * DAY, '30 d': 30 * DAY };

/** @param end of what there is: the newest, or of a database that was kept, the newest then */
async function pages(make: () => SignalQueries, timed: Timed, end: number): Promise<Row[]> {
  const rows: Row[] = [];
  let queries = make();
  const afresh = (): void => {
    queries = make();
  };
  for (const [name, sinceMs] of Object.entries(SINCE)) {
    const time = { from: end - sinceMs, to: end };
    const ask = { mesh: 'default', sight: EVERYTHING, sort: 'rate', limit: 500, ...time } as const;
    const one = { ...ask, namespace: 'team-7', service: 'service-7' };
    const each: Readonly<Record<string, () => Promise<unknown>>> = {
      services: () => queries.services(ask),
      'a service with chart, routes, callers, instances': () => queries.service(one),
      'an edge with chart, routes': () => queries.edge({ ...one, caller: CALLER }),
      'the chart of the mesh': () => queries.chart(ask),
      map: () => queries.map(ask),
      edges: () => queries.edges(ask),
      instances: () => queries.instances(ask),
      zones: () => queries.zones(ask),
    };
    for (const [what, work] of Object.entries(each)) rows.push(await timed(`${what}, ${name}`, work, afresh));
  }
  const ask = { mesh: 'default', sight: EVERYTHING, limit: 100, from: end - DAY, to: end };
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

const dir = values.data ?? mkdtempSync(join(tmpdir(), 'heddle-bench-signals-'));
mkdirSync(dir, { recursive: true });
chmodSync(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
const server = await startEmbeddedPostgres({ dataDir: join(dir, 'data'), log: silentLog });
const raw = new Client({ connectionString: server.url });
const store = await openStore({ url: server.url, replica: 'bench' });
try {
  await raw.connect();
  const { rows: found } = await raw.query('SELECT 1 FROM signal_part LIMIT 1');
  if (found.length === 0) {
    await fill(raw, Date.now(), say);
    await raw.query(FAILURES, [Date.now() - DAY + HOUR]);
    await raw.query('ANALYZE signal_failure');
  }
  const queriesOf = (): SignalQueries => new SignalQueries({ ...store, metrics: silentMetrics });
  const timed = timedBy(raw);
  const { rows: newest } = await raw.query<{ end: string }>(
    'SELECT max(at) + 10000 AS end FROM signal_part WHERE tier = 10',
  );
  const rows = await pages(queriesOf, timed, Number(newest[0]?.end));
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
  const column = (value: number | string): string => (typeof value === 'number' ? value.toFixed(1) : value).padStart(9);
  const line = (what: string, ...values: readonly (number | string)[]): void => {
    process.stdout.write(`${what.padEnd(62)}${values.map(column).join('')}\n`);
  };
  line(`ms, ${SERVICES} services`, 'cpu', 'cold cpu', 'best', 'p50', 'p99');
  for (const { what, cpu, cold = '', best, p50, p99 } of rows) line(what, cpu, cold, best, p50, p99);
  for (const { view, tier, mb } of sizes) line(`MB of ${view}, ${tier} s`, mb);
  const together = sizes.reduce((sum, { mb }) => sum + mb, 0);
  line('MB together', together);
  // On a machine that others use, too, the time that passed says little: it is what is used of a core that is judged.
  const slow = rows.filter(({ what, cpu }) => !what.startsWith('three hours') && cpu > MUST);
  for (const { what, cpu } of slow) say(`MISSED: over ${MUST} ms: ${what}: ${cpu.toFixed(0)}`);
  const results = join(import.meta.dirname, '../../../test/bench/signals.json');
  writeFileSync(results, `${JSON.stringify({ samples, rows, sizes }, null, 2)}\n`);
  if (slow.length > 0) process.exitCode = 1;
} finally {
  await raw.end();
  await store.close();
  await server.stop();
  if (values.data === undefined) rmSync(dir, { recursive: true, force: true });
}

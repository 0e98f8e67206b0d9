/** `npm run bench:history`: whether writes, reads and verification stay what they were when history has grown long. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { silentLog } from '#libs/kernel';
import type { Sql } from '../src/database.js';
import { openStore, type Store, startEmbeddedPostgres } from '../src/index.js';
import { held, installSigner, newSigner } from '../src/testing/audited.js';
import { bulkHistory } from '../src/testing/bulk-history.js';
import { put, request } from '../src/testing/fixtures.js';

const { values } = parseArgs({
  options: { revisions: { type: 'string', default: '1000000' }, samples: { type: 'string', default: '200' } },
});
const revisions = Number(values.revisions);
const samples = Number(values.samples);
const RESOURCES = 1_000;
const WARM_UP = 20;
const EVERY_MS = 30_000;

interface Timing {
  readonly p50: number;
  readonly p99: number;
}

type Timings = Record<string, Timing>;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function timed(work: (n: number) => Promise<unknown>): Promise<Timing> {
  const times: number[] = [];
  for (let n = -WARM_UP; n < samples; n += 1) {
    const from = performance.now();
    await work(n);
    if (n >= 0) times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  const at = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

/** What people and programs do, at the length that history has now. */
async function measure(store: Store, oldest: number): Promise<Timings> {
  const head = (await store.identity()).configRevision;
  const middle = Math.floor(head / 2);
  const resource = { kind: 'Service', namespace: 'default', name: 'bulk-7' };
  const timeOf = (revision: number): string => new Date(oldest + revision * EVERY_MS).toISOString();
  const list = (more: object) => store.history.list({ mesh: 'default', limit: 20, ...more });
  const search = (more: object) => store.audit.search({ mesh: 'default', limit: 50, ...more });
  return {
    write: await timed((n) =>
      store.resources.write(request([put('Service', `bench-${(n + WARM_UP) % 50}`, { n: Math.random() })])),
    ),
    'history, newest 20': await timed(() => list({})),
    'history, from the middle': await timed(() => list({ before: middle })),
    'history of a resource': await timed(() => list({ resource })),
    'history of a time': await timed(() => list({ since: timeOf(middle), until: timeOf(middle + 20) })),
    'resource at a revision': await timed((n) => store.history.at('default', resource, Math.max(2, middle + n * 7))),
    'differences of 100 revisions': await timed(() => store.past.between('default', middle, middle + 100)),
    'audit by actor': await timed(() => search({ actor: 'tests' })),
    'audit by resource': await timed(() => search({ resource })),
    'audit, refused only': await timed(() => search({ decision: 'refused' })),
    'audit of a time': await timed(() => search({ since: timeOf(middle), until: timeOf(middle + 20) })),
  };
}

function report(few: Timings, many: Timings): void {
  const ms = (timing?: Timing): string => `${timing?.p50.toFixed(1).padStart(10)}${timing?.p99.toFixed(1).padStart(8)}`;
  const lines = Object.keys(many).map((what) => `${what.padEnd(32)}${ms(few[what])}${ms(many[what])}`);
  process.stdout.write(
    `${'ms'.padEnd(32)}${'2k p50'.padStart(10)}${'p99'.padStart(8)}${`${revisions} p50`.padStart(10)}${'p99'.padStart(8)}\n${lines.join('\n')}\n`,
  );
}

const dir = mkdtempSync(join(tmpdir(), 'heddle-bench-history-'));
chmodSync(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
const server = await startEmbeddedPostgres({ dataDir: join(dir, 'data'), log: silentLog });
let store: Store | undefined;
const raw = new Client({ connectionString: server.url });
try {
  store = await openStore({ url: server.url, replica: 'bench' });
  await raw.connect();
  const sql: Sql = {
    query: async <Row extends object>(text: string, parameters: readonly unknown[] = []) =>
      (await raw.query<Row>(text, [...parameters])).rows,
  };
  const oldest = Date.now() - (revisions + 10_000) * EVERY_MS;
  const bulk = { resources: RESOURCES, everyMs: EVERY_MS };
  await bulkHistory(sql, { ...bulk, changes: 2_000, from: oldest });
  await raw.query('ANALYZE');
  const few = await measure(store, oldest);
  let next = 100_000;
  const begun = performance.now();
  await bulkHistory(sql, {
    ...bulk,
    changes: revisions,
    from: oldest + 3_000 * EVERY_MS,
    first: 2_000,
    onProgress: (done) => {
      if (done < next) return;
      say(`${done} changes after ${((performance.now() - begun) / 1000).toFixed(0)} s`);
      next += 100_000;
    },
  });
  await raw.query('VACUUM ANALYZE');
  const many = await measure(store, oldest);
  report(few, many);
  const signer = newSigner('bench');
  await installSigner(raw, store, signer);
  const verifying = performance.now();
  let memory = 0;
  const line = await store.audit.checkpoint(await held(store), signer);
  const seconds = (performance.now() - verifying) / 1000;
  const whole = performance.now();
  const verdict = await store.audit.verify({
    onProgress: () => {
      memory = Math.max(memory, process.memoryUsage().rss);
    },
  });
  const wholeSeconds = (performance.now() - whole) / 1000;
  await store.resources.write(request([put('Service', 'last')]));
  const incremental = performance.now();
  const after = await store.audit.verify({ checkpoints: [JSON.parse(line ?? '') as unknown], incremental: true });
  const numbers = {
    'verified entries': verdict.ok ? verdict.entries : 0,
    'verify, s': wholeSeconds,
    'first checkpoint, s': seconds,
    'verify after a checkpoint, ms': performance.now() - incremental,
    'most memory while verifying, MB': memory / 1e6,
  };
  for (const [what, number] of Object.entries(numbers))
    process.stdout.write(`${what.padEnd(32)}${number.toFixed(1).padStart(10)}\n`);
  if (!verdict.ok || !after.ok) {
    process.stdout.write(`${JSON.stringify([verdict, after])}\n`);
    process.exitCode = 1;
  }
  const results = join(import.meta.dirname, '../../../../libs/store/bench/history.json');
  writeFileSync(results, `${JSON.stringify({ revisions, samples, few, many, numbers }, null, 2)}\n`);
} finally {
  await raw.end();
  await store?.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

/**
 * `npm run bench:ingest -- --seconds 3600`: 5,000 entries of access logs a second are offered to a whole control plane with its
 * collector and its Postgres. What their heaps hold after a collection says whether memory is flat.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { cpuOf } from './cpu.js';
import { collectorOf, postgresCpuMs, residentMb } from './family.js';
import { growthOf, type Look, MOST_AN_HOUR, verdictOf } from './growth.js';
import { BACKS, LogClients } from './log-clients.js';
import { type BenchServer, startBenchServer } from './server.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3600' },
    rate: { type: 'string', default: '5000' },
    sidecars: { type: 'string', default: '20' },
  },
});
const [seconds, rate, sidecars] = [values.seconds, values.rate, values.sidecars].map(Number) as [
  number,
  number,
  number,
];
/** Looks at memory, evenly over the time, no more often than every so many seconds. */
const [MOST_LOOKS, SECONDS_A_LOOK] = [60, 15];
const LOOKS = Math.max(1, Math.min(MOST_LOOKS, Math.floor(seconds / SECONDS_A_LOOK)));
/**
 * Each is the least of so many collections, so far apart: buckets of ten seconds fill and go, and what is being read or written is no growth.
 * Milliseconds.
 */
const [COLLECTIONS, APART_MS] = [4, 3_000];
/**
 * Until then memory fills as it is meant to: the collector keeps the last ten minutes, and takes the room for what is usual when the first minute
 * is older than that. Seconds.
 */
const FILLED_S = 780;
/** Of the time, what is no measure of growth in any case: programs warm up. */
const WARMING = 1 / 3;
/** Of the records that were to be offered. When fewer arrive, what the collector holds comes and goes with the machine's other work. */
const EVEN = 0.9;
const HEAP_WITHIN_MS = 120_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Heap of a process after a collection, buffers outside of it included. Megabytes. */
async function heapMb(pid: number, dir: string): Promise<number> {
  const file = join(dir, String(pid));
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (const until = performance.now() + HEAP_WITHIN_MS; performance.now() < until; await pause(50)) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (text.endsWith('}')) return (JSON.parse(text) as { heap: number }).heap / 1e6;
  }
  throw new Error(`process ${pid} does not say how large its heap is`);
}

/** The least that each process holds within some seconds. */
async function leastMb(pids: readonly number[], dir: string): Promise<readonly number[]> {
  const least = pids.map(() => Number.POSITIVE_INFINITY);
  for (let n = 0; n < COLLECTIONS; n += 1) {
    if (n > 0) await pause(APART_MS);
    for (const [i, pid] of pids.entries()) least[i] = Math.min(least[i] ?? 0, await heapMb(pid, dir));
  }
  return least;
}

const service = (name: string): object => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name, namespace: 'bench' },
  spec: { ports: [{ name: 'http', port: 8080, protocol: 'http' }] },
});

async function joined(server: BenchServer): Promise<LogClients> {
  const manifests = Array.from({ length: BACKS }, (_, i) => service(`back-${i}`));
  await server.request('POST', '/api/v1/meshes/default/apply', { manifests });
  const { xds } = await server.request<{ xds: { serverName: string } }>('GET', '/api/v1/bootstrap');
  const clients = new LogClients({ port: server.xdsPort, serverName: xds.serverName, caPem: server.caPem });
  for (let i = 0; i < sidecars; i += 1) {
    const workload = `back-${i % BACKS}`;
    const name = `${workload}-${1 + Math.floor(i / BACKS)}`;
    clients.join(name, await server.join(name, workload));
  }
  return clients;
}

const PROCESSES = ['control plane', 'collector'] as const;

/** Whether the heaps are flat, and how that is known. @param arrived of the records that were to be offered, the share that arrived */
function isFlat(looks: readonly (readonly Look[])[], arrived: number): boolean {
  const since = Math.max(seconds * WARMING, FILLED_S);
  say(
    `growth: the slope of a line through the heaps after a collection from ${Math.round(since)} s on, with the interval in which it lies with 95 %;` +
      ` flat when that ends below ${MOST_AN_HOUR} MB/h, growing when it begins above`,
  );
  const verdicts = PROCESSES.map((name, i) => {
    const settled = looks.flatMap((both) => both[i] ?? []).filter(({ atS }) => atS >= since);
    const growth = growthOf(settled);
    const numbers = [growth.perHour, growth.from, growth.to].map((value) => value.toFixed(1));
    const told = Number.isNaN(growth.perHour) ? 'not known' : `${numbers[0]} MB/h (${numbers[1]} to ${numbers[2]})`;
    say(`  ${name}: ${told}, of ${settled.length} looks`);
    return verdictOf(growth);
  });
  const percent = (share: number): string => `${Math.floor(share * 100)} %`;
  if (arrived < EVEN)
    say(
      `whether memory is flat is not known: ${percent(arrived)} of the records arrived, and below ${percent(EVEN)} heaps follow the load that this machine bears`,
    );
  else if (verdicts.includes('grows')) say('MISSED: memory grows');
  else if (verdicts.includes('unknown')) say('whether memory is flat is not known: so short a run cannot tell');
  else say('memory is flat');
  return arrived >= EVEN && verdicts.every((verdict) => verdict === 'flat');
}

async function measure(dir: string, server: BenchServer): Promise<boolean> {
  const heaps = join(dir, 'heaps');
  const clients = await joined(server);
  const postgres = (): number => postgresCpuMs(join(dir, 'data'));
  const collector = collectorOf(server.pid);
  if (collector === undefined) throw new Error('the control plane has no collector');
  const told = (): Promise<number> => server.metric('heddle_telemetry_records_total');
  const dropped = (): Promise<number> => server.metric('heddle_telemetry_dropped_total');
  const cpu = [server.cpuMs(), cpuOf(collector), postgres()] as const;
  const looks: (readonly Look[])[] = [];
  const began = performance.now();
  clients.start(rate);
  say('  seconds  records offered, told   heap MB: control plane, collector   resident MB');
  for (let n = 1; n <= LOOKS; n += 1) {
    await pause(Math.max(0, began + (n * seconds * 1000) / LOOKS - performance.now()));
    const atS = (performance.now() - began) / 1000;
    const heap = await leastMb([server.pid, collector], heaps);
    looks.push(heap.map((mb) => ({ atS, heapMb: mb })));
    const columns = [atS, clients.offered, await told(), ...heap, residentMb(server.pid), residentMb(collector)];
    say(columns.map((value, i) => value.toFixed(i > 2 && i < 5 ? 1 : 0).padStart(12)).join(''));
  }
  const endedS = (performance.now() - began) / 1000;
  const after = [server.cpuMs(), cpuOf(collector), postgres()] as const;
  const records = await told();
  clients.stop();
  const per1000 = (i: 0 | 1 | 2): string => (((after[i] - cpu[i]) / records) * 1000).toFixed(2);
  say(`offered ${(clients.offered / endedS).toFixed(0)} a second, found no room at the sidecar: ${clients.refused}`);
  say(`told ${records}, messages dropped: ${await dropped()}`);
  say(`ms of CPU for 1,000 records: control plane ${per1000(0)}, collector ${per1000(1)}, Postgres ${per1000(2)}`);
  const again = collectorOf(server.pid) !== collector;
  if (again) say('MISSED: the collector was started again');
  return isFlat(looks, records / (rate * endedS)) && !again;
}

const dir = mkdtempSync(join(tmpdir(), 'heddle-bench-ingest-'));
await chmod(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
mkdirSync(join(dir, 'heaps'));
const preload = pathToFileURL(join(import.meta.dirname, 'heap-on-signal.js')).href;
const server = await startBenchServer(join(dir, 'data'), {
  NODE_OPTIONS: `--import ${preload}`,
  HEDDLE_BENCH_HEAP: join(dir, 'heaps'),
});
try {
  if (!(await measure(dir, server))) process.exitCode = 1;
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Crowd, connectClients } from './crowd.js';
import { engineRows } from './engine/rows.js';
import { socketFloor } from './floor.js';
import { idle } from './idle.js';
import { issuingRows } from './issuing.js';
import { quantile, type Row, table } from './row.js';
import { scaleRows } from './scale.js';
import { type BenchServer, startBenchServer } from './server.js';
import { writeRows } from './write.js';

const HELP = `npm run bench -- [options]
  --proxies N     connections (default 1000)
  --pushes N      pushes of a batch (default 10)
  --only PART     engine, plane, write, build or idle: the engine alone, a whole control plane with its Postgres, plans and
                  writes of a mesh of 1,000 services, builds and plans without either, idle clients
  --carrier NAME  http2 (default) or grpc-js: what carries the calls of the engine
  --profile       CPU profiles of the engine, written into the working directory
`;

const { values } = parseArgs({
  options: {
    proxies: { type: 'string', default: '1000' },
    pushes: { type: 'string', default: '10' },
    only: { type: 'string' },
    carrier: { type: 'string', default: 'http2' },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const proxies = Number(values.proxies);
const pushes = Number(values.pushes);
const broken: string[] = [];
/** Of pushes, for the rows of the whole control plane. */
const BATCHES = 3;
/** A server is at rest when it needs no more than a hundredth of a second of CPU in so many milliseconds. */
const REST_MS = 100;

if (values.help) process.stdout.write(HELP);
else await run();

async function run(): Promise<void> {
  const parts = { engine: engine, plane, write, build, idle: idleRows };
  const wanted = Object.entries(parts).filter(([name]) => values.only === undefined || values.only === name);
  const rows: Row[] = [];
  for (const [, part] of wanted) {
    const found = await part();
    process.stdout.write(`${table(found)}\n`);
    rows.push(...found);
  }
  const results = join(import.meta.dirname, '../../../test/bench/results.json');
  if (values.only === undefined) writeFileSync(results, `${JSON.stringify({ proxies, pushes, rows }, null, 2)}\n`);
  for (const line of broken) process.stdout.write(`counter budget broken: ${line}\n`);
  if (broken.length > 0) process.exitCode = 1;
}

async function engine(): Promise<Row[]> {
  const floorUs = await socketFloor(proxies, pushes);
  const rows: Row[] = [{ what: 'bare sockets, a push', p50: floorUs, p99: floorUs, unit: 'us' }];
  const carrier = values.carrier === 'grpc-js' ? 'grpc-js' : 'http2';
  for (const transport of ['plain', 'tls'] as const) {
    const result = await engineRows({ proxies, pushes, transport, carrier, profile: values.profile, floorUs });
    rows.push(...result.rows);
    broken.push(...result.broken);
  }
  return rows;
}

async function plane(): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  chmodSync(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
  const server = await startBenchServer(join(dir, 'data'));
  try {
    await server.prepare();
    const crowd = await connectClients(server, proxies);
    const rows = await measure(server, crowd);
    rows.push(...(await stormRows(server, crowd)));
    crowd.disconnect();
    return rows;
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function write(): Promise<Row[]> {
  return [...(await writeRows()), ...(await issuingRows())];
}

/** In processes of their own. */
async function build(): Promise<Row[]> {
  return scaleRows([
    ['cold', 1_000, 'all'],
    ['cold', 5_000, 'all'],
    ['cold', 5_000, 50],
    ['plan', 1_000, 'all'],
  ]);
}

async function idleRows(): Promise<Row[]> {
  const clients = 2 * proxies;
  const { cpuPercent, encodes, bytes } = await idle(clients);
  if (encodes > 0 || bytes > 0) broken.push(`${encodes} encodes and ${bytes} bytes for idle clients`);
  return [{ what: `${clients} idle proxies, of a core`, p50: cpuPercent, p99: cpuPercent, unit: '%', must: 1 }];
}

async function measure(server: BenchServer, crowd: Crowd): Promise<Row[]> {
  const still = await quiet(server, crowd);
  if (still.bytes > 0) broken.push(`${still.bytes} bytes were sent to idle clients`);
  if (still.encodes > 0) broken.push(`${still.encodes} encodes while idle`);
  const first: number[] = [];
  const last: number[] = [];
  const before = { cpu: server.cpuMs(), encodes: await server.counter('xds_encodes_total') };
  const changes = BATCHES * pushes;
  for (let push = 0; push < changes; push++) {
    await rest(server);
    const expected = crowd.expectChange();
    const committed = await server.changeEndpoint(push);
    const times = await expected;
    first.push(Math.max(0, times.first - committed));
    last.push(Math.max(0, times.last - committed));
  }
  const cpu = ((server.cpuMs() - before.cpu) * 1000) / changes / proxies;
  const encodes = ((await server.counter('xds_encodes_total')) - before.encodes) / changes;
  if (encodes > 1) broken.push(`${encodes} encodes for a change of one resource`);
  const rows: Row[] = [
    {
      what: 'commit at rest -> first proxy',
      p50: quantile(first, 0.5),
      p99: quantile(first, 0.99),
      unit: 'ms',
      must: 5,
    },
    {
      what: `commit at rest -> last of ${proxies}`,
      p50: quantile(last, 0.5),
      p99: quantile(last, 0.99),
      unit: 'ms',
      must: 60,
    },
    { what: 'CPU per proxy and push, TLS', p50: cpu, p99: cpu, unit: 'us' },
    { what: 'encodes per change', p50: encodes, p99: encodes, unit: '', must: 1 },
    { what: 'bytes to idle clients', p50: still.bytes, p99: still.bytes, unit: 'B', must: 0 },
  ];
  return rows;
}

/** The budgets are about one change: the answers of a thousand proxies to the one before must not wait in line with it. */
async function rest(server: BenchServer): Promise<void> {
  for (let before = Number.NEGATIVE_INFINITY; server.cpuMs() - before > 10; ) {
    before = server.cpuMs();
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
}

async function stormRows(server: BenchServer, crowd: Crowd): Promise<Row[]> {
  const before = await server.metric('heddle_certificates_issued_total');
  const storms = [await crowd.storm(), await crowd.storm(), await crowd.storm()];
  const times = storms.map(({ ms }) => ms);
  const cpu = storms.map(({ cpuMs }) => cpuMs / proxies);
  const keys = (await server.metric('heddle_certificates_issued_total')) - before;
  if (keys > 0) broken.push(`${keys} keys were generated for proxies that reconnected with good certificates`);
  const of = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99), unit: 'ms' });
  return [
    { what: `all ${proxies} reconnect at once`, ...of(times), must: 2500 },
    { what: 'CPU per reconnect, TLS', ...of(cpu) },
    { what: 'keys generated for those that reconnect', p50: keys, p99: keys, unit: '', must: 0 },
  ];
}

async function quiet(server: BenchServer, crowd: Crowd): Promise<{ bytes: number; encodes: number }> {
  for (let sent = -1; sent !== crowd.bytes(); ) {
    sent = crowd.bytes(); // the last to join still get what the next to last caused
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
  const before = { bytes: crowd.bytes(), encodes: await server.counter('xds_encodes_total') };
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  return {
    bytes: crowd.bytes() - before.bytes,
    encodes: (await server.counter('xds_encodes_total')) - before.encodes,
  };
}

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Crowd, connectClients } from './crowd.js';
import { socketFloor } from './floor.js';
import { startBenchServer } from './server.js';

interface Row {
  readonly what: string;
  readonly p50: number;
  readonly p99: number;
  readonly unit: string;
  readonly must?: number;
}

const { values } = parseArgs({
  options: { proxies: { type: 'string', default: '200' }, pushes: { type: 'string', default: '30' } },
});
const proxies = Number(values.proxies);
const pushes = Number(values.pushes);
const dir = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
chmodSync(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
const server = await startBenchServer(join(dir, 'data'));
try {
  await server.prepare();
  const alone = server.residentKb();
  const crowd = await connectClients(server, proxies);
  const each = (server.residentKb() - alone) / proxies;
  const { rows, broken } = await measure(crowd);
  rows.push({ what: 'memory per proxy (TLS)', p50: each, p99: each, unit: 'KB', must: 160 });
  rows.push(...(await stormRows(crowd)));
  const floor = await socketFloor(proxies, pushes);
  rows.push({ what: 'bare sockets, the same', p50: floor, p99: floor, unit: 'us' });
  report(rows);
  if (broken.length > 0) {
    process.stdout.write(`\ncounter budgets broken:\n${broken.map((line) => `  ${line}`).join('\n')}\n`);
    process.exitCode = 1;
  }
  crowd.disconnect();
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

async function measure(crowd: Crowd): Promise<{ rows: Row[]; broken: string[] }> {
  const broken: string[] = [];
  const idle = await quiet(crowd);
  if (idle.bytes > 0) broken.push(`${idle.bytes} bytes were sent to idle clients`);
  if (idle.encodes > 0) broken.push(`${idle.encodes} encodes while idle`);
  const first: number[] = [];
  const last: number[] = [];
  const before = { cpu: server.cpuMs(), encodes: await server.counter('xds_encodes_total') };
  for (let push = 0; push < pushes; push++) {
    const expected = crowd.expectChange();
    const committed = await server.changeEndpoint(push);
    const times = await expected;
    first.push(Math.max(0, times.first - committed));
    last.push(Math.max(0, times.last - committed));
  }
  const cpu = ((server.cpuMs() - before.cpu) * 1000) / pushes / proxies;
  const encodes = ((await server.counter('xds_encodes_total')) - before.encodes) / pushes;
  if (encodes > 1) broken.push(`${encodes} encodes for a change of one resource`);
  const rows: Row[] = [
    { what: 'commit -> first proxy', p50: quantile(first, 0.5), p99: quantile(first, 0.99), unit: 'ms', must: 5 },
    { what: `commit -> last of ${proxies}`, p50: quantile(last, 0.5), p99: quantile(last, 0.99), unit: 'ms', must: 60 },
    { what: 'CPU per proxy and push', p50: cpu, p99: cpu, unit: 'us' },
    { what: 'encodes per change', p50: encodes, p99: encodes, unit: '', must: 1 },
    { what: 'bytes to idle clients', p50: idle.bytes, p99: idle.bytes, unit: 'B', must: 0 },
  ];
  return { rows, broken };
}

async function stormRows(crowd: Crowd): Promise<Row[]> {
  const storms = [await crowd.storm(), await crowd.storm(), await crowd.storm()];
  const times = storms.map(({ ms }) => ms);
  const cpu = storms.map(({ cpuMs }) => cpuMs / proxies);
  const of = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99), unit: 'ms' });
  return [
    { what: `all ${proxies} reconnect at once`, ...of(times), must: 2500 },
    { what: 'CPU per reconnect (TLS)', ...of(cpu) },
  ];
}

async function quiet(crowd: Crowd): Promise<{ bytes: number; encodes: number }> {
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

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

function report(rows: readonly Row[]): void {
  const lines = rows.map(
    (row) =>
      `${row.what.padEnd(28)}${row.p50.toFixed(1).padStart(10)}${row.p99.toFixed(1).padStart(10)} ${row.unit.padEnd(3)}${row.must === undefined ? '' : `   must ${row.must}`}`,
  );
  process.stdout.write(`${''.padEnd(28)}${'p50'.padStart(10)}${'p99'.padStart(10)}\n${lines.join('\n')}\n`);
  const results = join(import.meta.dirname, '../../../test/bench/results.json');
  writeFileSync(results, `${JSON.stringify({ proxies, pushes, rows }, null, 2)}\n`);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TYPE } from '#libs/envoy-api';
import { seeded } from '../../libs/testing/src/faults/index.js';
import { FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';
import { attack } from './attacks.js';

// npm run fuzz:xds -- --minutes 10 --seed 1: attacks the engine in a process of its own, and looks all the while whether a
// good client is served and memory stays flat (SEC-7). A failure prints the seed.

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: `${Date.now() % 1e9}` } },
});
const end = performance.now() + Number(values.minutes) * 60_000;
const ABREAST = 8;
const LOOK_EVERY_MS = 5_000;
/** Looks in a row at which the good client had nothing new, beyond which it is not served: a machine may stall. */
const PATIENCE = 6;
/** What the heap may grow by after a minute, in MB: what is kept of 5,000 clients that were cut off (`Leftovers`). */
const HEAP_MB = 5;
/** The same of resident memory: pages that V8 has freed and keeps, no more. */
const RESIDENT_MB = 150;

async function start(): Promise<{ server: ChildProcess; port: number }> {
  const server = spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, 'server.js')], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const [line] = (await once(server.stdout ?? server, 'data')) as [Buffer];
  return { server, port: Number(String(line)) };
}

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

interface Memory {
  /** After a full collection, in MB. */
  readonly heap: number;
  readonly resident: number;
}

async function memoryOf(child: ChildProcess): Promise<Memory> {
  child.send('heap');
  const [bytes] = (await once(child, 'message')) as [number];
  return { heap: bytes / 1e6, resident: residentMb(child.pid ?? 0) };
}

const { server, port } = await start();
const good = new FakeXdsClient({ address: `127.0.0.1:${port}`, token: 'good', node: { id: 'good' } });
good.connect().subscribe(TYPE.endpoint, ['pulse']);
let attacks = 0;
let failed = '';

async function attacker(number: number): Promise<void> {
  const random = seeded(Number(values.seed) + number);
  while (performance.now() < end && failed === '') {
    await attack(port, random);
    attacks++;
  }
}

const grown = (warm: number, now: number, by: number, what: string): string =>
  now > warm + by ? `the ${what} grew from ${warm.toFixed(1)} to ${now.toFixed(1)} MB` : '';

/** Looks every few seconds, and keeps the memory of the first minute as the measure. */
async function watch(): Promise<void> {
  let warm: Memory = { heap: 0, resident: 0 };
  let silent = 0;
  const begun = performance.now();
  while (performance.now() < end && failed === '') {
    const before = good.responses.length;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (server.exitCode !== null || server.signalCode !== null) failed = 'the server ended';
    silent = good.responses.length === before ? silent + 1 : 0;
    if (good.ended || silent > PATIENCE) failed = 'the good client is not served';
    if (failed !== '') return;
    const now = await memoryOf(server);
    const { heap, resident } = now;
    if (performance.now() - begun <= 60_000)
      warm = { heap: Math.max(warm.heap, heap), resident: Math.max(warm.resident, resident) };
    else failed = grown(warm.heap, heap, HEAP_MB, 'heap') || grown(warm.resident, resident, RESIDENT_MB, 'process');
    const seconds = Math.round((performance.now() - begun) / 1000);
    process.stdout.write(
      `${seconds} s  ${attacks} connections  heap ${heap.toFixed(1)} MB  resident ${Math.round(resident)} MB\n`,
    );
  }
}

await Promise.all([watch(), ...Array.from({ length: ABREAST }, (_, number) => attacker(number))]);
good.disconnect();
server.kill();
process.stdout.write(
  failed === '' ? `held: ${attacks} connections, seed ${values.seed}\n` : `FAILED: ${failed}; seed ${values.seed}\n`,
);
process.exit(failed === '' ? 0 : 1);

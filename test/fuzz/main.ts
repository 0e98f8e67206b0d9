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
/** What memory may grow by after it was warm, in MB: what the garbage collector leaves lying, no more. */
const GROWTH_MB = 150;

async function start(): Promise<{ server: ChildProcess; port: number }> {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'server.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(server.stdout ?? server, 'data')) as [Buffer];
  return { server, port: Number(String(line)) };
}

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

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

/** Looks every few seconds, and keeps the memory of the first quiet minute as the measure. */
async function watch(): Promise<void> {
  let [warmMb, silent] = [0, 0];
  const begun = performance.now();
  while (performance.now() < end && failed === '') {
    const before = good.responses.length;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (server.exitCode !== null || server.signalCode !== null) failed = 'the server ended';
    silent = good.responses.length === before ? silent + 1 : 0;
    if (good.ended || silent > PATIENCE) failed = 'the good client is not served';
    if (failed !== '') return;
    const mb = residentMb(server.pid ?? 0);
    const warm = performance.now() - begun > 60_000;
    if (!warm) warmMb = Math.max(warmMb, mb);
    else if (mb > warmMb + GROWTH_MB) failed = `memory grew from ${Math.round(warmMb)} to ${Math.round(mb)} MB`;
    process.stdout.write(
      `${Math.round((performance.now() - begun) / 1000)} s  ${attacks} connections  ${Math.round(mb)} MB\n`,
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

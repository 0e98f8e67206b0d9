import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';

/** As compiled by `npm run build`. */
const SERVER = join(import.meta.dirname, '../../dist/test/fuzz/server.js');
const ABREAST = 20;
/** CONNECTIONS=5000 for the long form. */
const CONNECTIONS = Number(process.env['CONNECTIONS'] ?? 1_500);
/** What a connection may leave behind on average, in bytes: nothing, but heaps are not exact. */
const LEFT_BEHIND = 100;

let server: ChildProcess;
let address = '';

beforeAll(async () => {
  server = spawn(process.execPath, ['--expose-gc', SERVER], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const [line] = (await once(server.stdout ?? server, 'data')) as [Buffer];
  address = `127.0.0.1:${String(line).trim()}`;
});

afterAll(async () => {
  const ended = once(server, 'exit');
  server.kill();
  await ended;
});

const heap = async (): Promise<number> => {
  server.send('heap');
  const [bytes] = (await once(server, 'message')) as [number];
  return bytes;
};

async function comeAndGo(count: number): Promise<void> {
  for (let done = 0; done < count; done += ABREAST) {
    const clients = Array.from({ length: ABREAST }, (_, i) =>
      new FakeXdsClient({ address, token: 'good', node: { id: `n${done + i}` } })
        .connect()
        .subscribe(TYPE.endpoint, ['pulse']),
    );
    for (const client of clients) await client.waitFor((c) => c.responses.length > 0, 120_000);
    for (const client of clients) client.disconnect();
  }
}

it('GEN-14 thousands of connects and disconnects leave the heap where it was', async () => {
  await comeAndGo(500);
  const before = await heap();
  await comeAndGo(CONNECTIONS);
  // Connections of the last round may still be closing.
  await expect
    .poll(async () => (await heap()) - before, { timeout: 60_000, interval: 500 })
    .toBeLessThan(CONNECTIONS * LEFT_BEHIND);
});

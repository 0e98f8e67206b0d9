import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { FakeXdsClient } from '../../testing/src/xds-client/index.js';

const README = join(import.meta.dirname, '../README.md');
/** Beside the compiled libraries, where the imports of the project are known. */
const PASTED = join(import.meta.dirname, `../../../dist/readme-example-${process.pid}.mts`);

let example: ChildProcess | undefined;
afterAll(async () => {
  const ended = example && once(example, 'exit');
  example?.kill();
  await ended;
  rmSync(PASTED, { force: true });
});

it('the example of the README works when it is pasted', async () => {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(readFileSync(README, 'utf8')) ?? [];
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(20);
  writeFileSync(PASTED, code.replace('port: 18000', 'port: 0'));
  example = spawn(process.execPath, [PASTED], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(example.stdout ?? example, 'data')) as [Buffer];
  const client = new FakeXdsClient({
    address: String(said).trim().replace('xDS on ', ''),
    token: 'any',
    node: { id: 'n' },
  });
  client.connect().subscribe(TYPE.cluster);
  await client.waitFor((c) => c.names(TYPE.cluster).join() === 'orders');
  client.disconnect();
});

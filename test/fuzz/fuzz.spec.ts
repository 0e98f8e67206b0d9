import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** As compiled by `npm run build`. */
const MAIN = join(import.meta.dirname, '../../dist/test/fuzz/main.js');

it('SEC-7 an engine under a short attack lives, serves, and keeps its memory (long: npm run fuzz:xds)', async () => {
  const attack = spawn(process.execPath, [MAIN, '--minutes', '0.2', '--seed', '7'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  attack.stdout.setEncoding('utf8').on('data', (part: string) => {
    said += part;
  });
  const [code] = (await once(attack, 'exit')) as [number | null];
  expect([code, said]).toEqual([0, expect.stringMatching(/held: \d+ connections, seed 7/)]);
});

import { expect, it } from 'vitest';
import { idle } from '../bench/idle.js';

/** IDLE=long: as many as the bench has, and long enough for the server to have asked each for a sign of life. */
const [CLIENTS, LOOK_MS] = process.env['IDLE'] === 'long' ? [2_000, 40_000] : [200, 3_000];

it('GEN-8 clients that have everything cause no encoding, no response, not a byte', async () => {
  const { cpuPercent, ...work } = await idle(CLIENTS, LOOK_MS);
  process.stdout.write(`${CLIENTS} idle clients: ${cpuPercent.toFixed(1)} % of a core\n`);
  expect(work).toEqual({ encodes: 0, responses: 0, bytes: 0, requests: 0 });
});

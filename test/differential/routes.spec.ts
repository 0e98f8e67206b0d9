/**
 * The evaluator against real Envoys: random route tables and requests, and both must say the same. `DIFFERENTIAL_CASES`
 * sets how many tables (1,000 by itself, 10,000 for the long form, three requests each), `DIFFERENTIAL_SEED` which.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy } from '#libs/launcher';
import { randomCases } from './generator.js';
import { printed, run, shrunk } from './run.js';

const CASES = Number(process.env['DIFFERENTIAL_CASES'] ?? 1000);
const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_127);

describe.each(['1.36.4', '1.40.0'])('the evaluator and Envoy %s', (version) => {
  let envoy = '';
  beforeAll(async () => {
    envoy = (await findEnvoy({ version })).path;
  });

  it(`agree on ${CASES} random route tables (seed ${SEED})`, async () => {
    const { cases, requests, failures } = await run(envoy, randomCases(SEED, CASES));
    const [first] = failures;
    const smallest = first ? printed(await shrunk(envoy, first)) : '';
    expect(smallest, `${failures.length} requests differ, seed ${SEED}, smallest form of the first`).toBe('');
    expect(cases).toBe(CASES);
    expect(requests).toBe(3 * CASES);
  });
});

/**
 * The evaluator against real Envoys: random route tables and requests, and both must say the same. `DIFFERENTIAL_CASES`
 * sets how many tables (1,000 by itself, 10,000 for the long form, three requests each), `DIFFERENTIAL_SEED` which.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '#libs/changes';
import { findEnvoy } from '#libs/launcher';
import { characterCases } from './characters.js';
import { compiledCases, scopedConfig, scopedRequests } from './compiled.js';
import { differences } from './expectation.js';
import { randomCases } from './generator/index.js';
import { DifferentialRig } from './rig.js';
import { type Failure, printed, run, shrunk } from './run.js';

const CASES = Number(process.env['DIFFERENTIAL_CASES'] ?? 1000);
const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_127);

/** Fails with every difference and the smallest form of the first. */
async function checkNone(envoy: string, failures: readonly Failure[]): Promise<void> {
  const [first] = failures;
  if (!first) return;
  const all = failures.map(({ problems }) => problems.join('; ')).join('\n');
  const smallest = printed(await shrunk(envoy, first));
  expect.fail(`seed ${SEED}, ${failures.length} requests differ:\n${all}\nsmallest form of the first:\n${smallest}`);
}

describe.each(['1.36.4', '1.40.0'])('the evaluator and Envoy %s', (version) => {
  let envoy = '';
  beforeAll(async () => {
    envoy = (await findEnvoy({ version })).path;
  });

  it(`agree on ${CASES} random route tables (seed ${SEED})`, async () => {
    const { cases, requests, verdicts, failures } = await run(envoy, randomCases(SEED, CASES));
    await checkNone(envoy, failures);
    expect(cases).toBe(CASES);
    expect(requests).toBe(3 * CASES);
    for (const type of ['forwarded', 'redirected', 'answered', 'refused', 'notFound']) {
      expect(verdicts[type] ?? 0, `${type}, of ${JSON.stringify(verdicts)}`).toBeGreaterThan(CASES / 20);
    }
    expect(verdicts['unsupported'] ?? 0, JSON.stringify(verdicts)).toBeLessThan(CASES / 20);
  });

  it('agree on every character of a path, and on every form of its dots and slashes', async () => {
    const { requests, failures } = await run(envoy, characterCases());
    await checkNone(envoy, failures);
    expect(requests).toBeGreaterThan(900);
  });

  it('agree on the tables that the compiler makes of the golden scenarios', async () => {
    const compiled = compiledCases();
    const { requests, verdicts, failures } = await run(envoy, compiled);
    await checkNone(envoy, failures);
    expect(requests).toBeGreaterThan(500);
    expect(Object.keys(verdicts).sort()).toEqual(['forwarded', 'notFound', 'redirected']);
  });

  it('agree on the scope that a host selects', async () => {
    const config = scopedConfig();
    const requests = scopedRequests(config);
    const rig = await DifferentialRig.start(envoy, [], config);
    const places = new Set<string>();
    try {
      for (const request of requests) {
        const evaluation = evaluate(config, request);
        places.add(evaluation.scope ?? '');
        const found = differences(evaluation, request, await rig.observe(0, 'scoped', request));
        expect(found, `${request.authority}${request.path}`).toEqual([]);
      }
    } finally {
      await rig.stop();
    }
    expect(places.size).toBe(config.scopes.length + 1);
  });
});

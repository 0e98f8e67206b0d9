import 'reflect-metadata';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HarvestRig, service } from './harvest-rig.js';

const SERVICES = Array.from({ length: 20 }, (_, i) => `service-${i}`);
/** Of a sidecar that calls 20 services, each of which has failed, too; with the fixed part of some 2 KB. */
const BUDGET = 17_000;

let rig: HarvestRig;
const sizes: number[] = [];

beforeAll(async () => {
  rig = await HarvestRig.start(({ kind, node, bytes }) => {
    if (kind === 'metrics' && node.includes('/front/')) sizes.push(bytes.length);
  });
});
afterAll(() => rig?.stop());

it('a report about 20 services is a few KB', async () => {
  const selecting = SERVICES.map((name) => ({
    ...service(name),
    spec: {
      ports: [{ name: 'http', port: 8080, protocol: 'http' }],
      selector: { matchLabels: { workload: 'back' } },
    },
  }));
  await rig.server.apply(...selecting);
  const front = await rig.join({ workload: 'front', index: 1, version: 'v1' });
  const application = (request: { url?: string | undefined }, response: { statusCode: number; end(): void }): void => {
    response.statusCode = Number(request.url?.slice(1)) || 200;
    response.end();
  };
  await rig.join({ workload: 'back', index: 2, version: 'v1', application });
  const reached = async (name: string): Promise<boolean> => (await rig.call(front, name)).status === 200;
  for (const name of SERVICES) await expect.poll(() => reached(name)).toBe(true);
  const whole = async (): Promise<number> => {
    const seen = sizes.length;
    // From the second one on they are without the node.
    await expect.poll(() => sizes.length).toBeGreaterThan(seen + 2);
    return sizes.at(-1) ?? 0;
  };
  const healthy = await whole();
  for (const name of SERVICES) for (const status of [404, 500]) await rig.call(front, name, `/${status}`);
  const failing = await whole();
  process.stdout.write(`a report about 20 services: ${healthy} bytes, ${failing} when all of them have failed, too\n`);
  expect(healthy).toBeLessThan(15_000);
  expect(failing).toBeLessThan(BUDGET);
});

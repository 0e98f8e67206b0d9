import { beforeAll, describe, expect, it } from 'vitest';
import { policies } from '#policies';
import { instance } from '../../../testing/src/builders/index.js';
import { StillMesh } from '../../testing/still-mesh.js';

const service = (i: number) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name: `s${i}`, namespace: `team-${i % 20}` },
  spec: { ports: [{ port: 8080 }] },
});
const policy = (i: number, request: string) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'TimeoutPolicy',
  metadata: { name: `s${i}`, namespace: `team-${i % 20}` },
  spec: { targetRef: { kind: 'Service', name: `s${i}` }, request },
});

/** A mesh of so many services, each with an instance and a policy. */
function meshOf(services: number): StillMesh {
  const all = Array.from({ length: services }, (_, i) => i);
  const still = new StillMesh(policies).put(...all.map(service), ...all.map((i) => policy(i, '1s')));
  return still.join(...all.map((i) => instance(`team-${i % 20}/s${i}-1`)));
}

describe('the plan of one service’s policy', () => {
  let small: StillMesh;
  let large: StillMesh;
  beforeAll(() => {
    small = meshOf(50);
    large = meshOf(1_000);
  });

  it('recomputes what the change reaches: as much in a mesh of 1,000 services as in one of 50', async () => {
    const [few, many] = await Promise.all([small, large].map((mesh) => mesh.plan({ documents: [policy(7, '2s')] })));
    expect(many?.effect.cost).toEqual(few?.effect.cost);
    expect(many?.effect.cost.recomputed).toBeLessThanOrEqual(8);
    expect(many?.effect.envoy.items.map(({ op, type, name }) => [op, type, name])).toEqual([
      ['change', 'RouteConfiguration', 'team-7/s7'],
    ]);
    expect(many?.effect.proxies).toMatchObject({ total: 1_000, touched: 1_000 });
    expect(many?.fork.reads().length).toBeLessThan(30);
  });

  it('runs no query for documents that change nothing', async () => {
    const documents = Array.from({ length: 200 }, (_, i) => policy(i, i === 7 ? '2s' : '1s'));
    expect((await large.plan({ documents })).effect.cost.recomputed).toBeLessThanOrEqual(210);
    const { effect } = await large.plan({ documents: documents.filter((_, i) => i !== 7) });
    expect([effect.envoy.items, effect.proxies.touched]).toEqual([[], 0]);
  });

  it.runIf(process.env['HEDDLE_TIMINGS'] === '1')('takes so many milliseconds', async () => {
    const times: number[] = [];
    for (let i = 0; i < 200; i += 1) {
      const started = performance.now();
      await large.plan({ documents: [policy(i, '3s')] });
      times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    process.stdout.write(`plan p50 ${times[100]?.toFixed(2)} ms, p99 ${times[198]?.toFixed(2)} ms\n`);
    expect(times).toHaveLength(200);
  });
});

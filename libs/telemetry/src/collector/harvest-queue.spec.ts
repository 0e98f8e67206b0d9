import { beforeEach, describe, expect, it } from 'vitest';
import { type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import { StoreUnavailable } from '#libs/store';
import { HandClock, settled } from '../../../testing/src/clock/index.js';
import { type EdgeCell, type Harvest, LatencySketch } from '../model/index.js';
import { bytesOfHarvest } from './bytes.js';
import { HarvestQueue } from './harvest-queue.js';

/** @param route of its one row, whose length is what it takes */
const harvest = (source: string, route = '', mesh = 'm'): Harvest => {
  const latencies = new LatencySketch();
  for (let ms = 1; ms < 100; ms++) latencies.add(ms);
  const edge: EdgeCell = {
    ...{ at: 0, lengthMs: 10_000, complete: true, caller: 'shop/a', callee: 'shop/b/80', subset: '', route },
    ...{ outcome: 'ok', status: 200, requests: 1, attempts: 1, latencies },
  };
  return { ...{ mesh, source, instances: [], zones: [], failures: [], edges: [edge] } };
};
const BYTES = bytesOfHarvest(harvest('a'));

let clock: HandClock;
let written: string[];
let failing: Error | undefined;
let counted: Map<string, number>;
let queue: HarvestQueue;

beforeEach(() => {
  [clock, written, failing, counted] = [new HandClock(), [], undefined, new Map()];
  const metrics: Metrics = {
    ...silentMetrics,
    count: (_, { outcome = '' } = {}) => void counted.set(outcome, (counted.get(outcome) ?? 0) + 1),
  };
  const store = {
    write: async ({ source }: Harvest): Promise<void> => {
      if (failing) throw failing;
      written.push(source);
    },
  };
  queue = new HarvestQueue({ store, clock, log: silentLog, metrics, mostBytes: 5 * BYTES });
});

describe('harvests', () => {
  it('are written in their order', async () => {
    for (const source of ['a', 'b', 'c']) queue.add(harvest(source));
    expect(await queue.drain(1_000)).toBe(0);
    expect(written).toEqual(['a', 'b', 'c']);
  });

  it('REL-34 wait while the store is away, and the oldest are given up when there are too many', async () => {
    failing = new StoreUnavailable('away');
    for (const source of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) queue.add(harvest(source));
    await settled();
    await clock.advance(60_000);
    expect(written).toEqual([]);
    failing = undefined;
    await clock.advance(20_000);
    expect(written).toEqual(['c', 'd', 'e', 'f', 'g']);
    expect([counted.get('given up'), counted.get('written')]).toEqual([2, 5]);
  });

  it('REL-34 take no more memory than there is for all meshes, however many rows and bins they have', async () => {
    failing = new StoreUnavailable('away');
    for (let i = 0; i < 20; i++) queue.add(harvest(String(i), 'x'.repeat(BYTES), `m${i % 3}`));
    await settled();
    expect(counted.get('given up')).toBe(18);
    queue.add(harvest('huge', 'x'.repeat(10 * BYTES)));
    expect(counted.get('given up')).toBe(20);
    queue.add(harvest('last'));
    failing = undefined;
    await clock.advance(20_000);
    expect(written).toEqual(['last']);
    expect(bytesOfHarvest(harvest('a', 'x'.repeat(100)))).toBe(BYTES + 100);
  });

  it('that the store refuses keep the others waiting for a while, and no longer', async () => {
    failing = new RangeError('not a bucket');
    queue.add(harvest('bad'));
    await settled();
    for (let i = 0; i < 4; i++) await clock.advance(15_000);
    failing = undefined;
    queue.add(harvest('good'));
    await clock.advance(15_000);
    expect(written).toEqual(['good']);
    expect(counted.get('refused')).toBe(1);
  });

  it('that cannot be written at the end are counted for whoever ends', async () => {
    failing = new StoreUnavailable('away');
    queue.add(harvest('a'));
    await settled();
    const left = queue.drain(5_000);
    await clock.advance(5_000);
    expect(await left).toBe(1);
  });
});

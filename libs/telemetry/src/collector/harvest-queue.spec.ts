import { beforeEach, describe, expect, it } from 'vitest';
import { type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import { StoreUnavailable } from '#libs/store';
import { HandClock, settled } from '../../../testing/src/clock/index.js';
import type { Harvest } from '../model/index.js';
import { HarvestQueue } from './harvest-queue.js';

const harvest = (source: string): Harvest => ({
  ...{ mesh: 'm', source, instances: [], zones: [], failures: [], edges: [] },
});

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
  queue = new HarvestQueue({ store, clock, log: silentLog, metrics, mostRows: 5 });
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

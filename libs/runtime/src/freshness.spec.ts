import { describe, expect, it } from 'vitest';
import { silentMetrics, systemClock } from '#libs/kernel';
import { beFresh } from './freshness.js';

const shared = { clock: systemClock, metrics: silentMetrics };

describe('a client that may come from another replica', () => {
  it('GEN-17 is admitted when this replica has caught up, and not before', async () => {
    const order: string[] = [];
    const caughtUp = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      order.push('caught up');
    };
    const fresh = await beFresh({ ...shared, caughtUp });
    order.push('admitted');
    expect([fresh, order]).toEqual([true, ['caught up', 'admitted']]);
  });

  it('is admitted all the same when Postgres refuses or does not answer, and it is counted', async () => {
    const counted: string[] = [];
    const metrics = { ...silentMetrics, count: (name: string) => void counted.push(name) };
    const away = () => Promise.reject(new Error('away'));
    const silent = () => new Promise<void>(() => {});
    const answers = await Promise.all([away, silent].map((caughtUp) => beFresh({ ...shared, metrics, caughtUp })));
    expect([answers, counted]).toEqual([[false, false], Array(2).fill('heddle_admitted_unchecked_total')]);
  });
});

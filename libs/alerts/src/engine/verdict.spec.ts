import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencySketch } from '#libs/telemetry';
import { shareWithin } from './counts.js';
import { any, attemptBounds, both, exactly, judge, rateBounds, shareBounds, type Verdict } from './verdict.js';

describe('judging with gaps', () => {
  it.each([
    ['complete and above', exactly(0.02), 'Above', 0.01, 'holds'],
    ['complete and just at it', exactly(0.01), 'Above', 0.01, 'over'],
    ['above whatever is missing', { low: 0.02, high: 0.5 }, 'Above', 0.01, 'holds'],
    ['above if what is missing was bad', { low: 0.001, high: 0.101 }, 'Above', 0.01, 'unknown'],
    ['below whatever is missing', { low: 0, high: 0.009 }, 'Above', 0.01, 'over'],
    ['nothing to judge', exactly(Number.NaN), 'Above', 0.01, 'unknown'],
    ['a rate that is certainly low', exactly(0.1), 'Below', 0.5, 'holds'],
    ['a rate that may be low, or not known', rateBounds(1, 10_000, 0.1), 'Below', 0.5, 'unknown'],
    ['a rate that is high even so', rateBounds(100, 10_000, 0.1), 'Below', 0.5, 'over'],
  ] as const)('%s', (_, bounds, comparison, threshold, expected) => {
    expect(judge(bounds, comparison, threshold)).toBe(expected);
  });

  it('of two both have to hold, of many any; what is not known counts for neither', () => {
    const all: readonly Verdict[] = ['holds', 'over', 'unknown'];
    const table = all.map((a) => all.map((b) => `${both(a, b)} ${any([a, b])}`));
    expect(table).toEqual([
      ['holds holds', 'over holds', 'unknown holds'],
      ['over holds', 'over over', 'over unknown'],
      ['unknown holds', 'over unknown', 'unknown unknown'],
    ]);
    expect(any([])).toBe('over');
  });

  it('the truth lies within the bounds, whatever was in the part that is missing, if that had as many requests', () => {
    const minute = fc.record({ bad: fc.nat(100), seen: fc.boolean() });
    fc.assert(
      fc.property(fc.array(minute, { minLength: 1, maxLength: 60 }), (minutes) => {
        const seen = minutes.filter((one) => one.seen);
        const sum = (list: typeof minutes): number => list.reduce((total, { bad }) => total + bad, 0);
        const missing = 1 - seen.length / minutes.length;
        fc.pre(seen.length > 0);
        const { low, high } = shareBounds(sum(seen), seen.length * 100, missing);
        const truth = sum(minutes) / (minutes.length * 100);
        expect(low).toBeLessThanOrEqual(truth + 1e-9);
        expect(high).toBeGreaterThanOrEqual(truth - 1e-9);
      }),
    );
    expect(attemptBounds(150, 100, 0)).toEqual({ low: 1.5, high: 1.5 });
    expect(attemptBounds(0, 0, 0)).toEqual({ low: Number.NaN, high: Number.NaN });
  });
});

describe('latencies', () => {
  it('the share within a time is the one that counting gives, within the accuracy of the sketch', () => {
    const values = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 5_000 }), (ms, threshold) => {
        const sketch = new LatencySketch();
        for (const one of ms) sketch.add(one);
        const share = (limit: number): number => ms.filter((one) => one <= limit).length / ms.length;
        const found = shareWithin(sketch, threshold);
        expect(found).toBeGreaterThanOrEqual(share(threshold / 1.021) - 1e-4);
        expect(found).toBeLessThanOrEqual(share(threshold * 1.021) + 1e-4);
      }),
    );
    expect(shareWithin(new LatencySketch(), 10)).toBeNaN();
  });
});

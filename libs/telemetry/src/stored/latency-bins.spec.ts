import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencySketch } from '../model/index.js';
import { LatencyBins } from './latency-bins.js';

const measured = fc.array(
  fc.record({ ms: fc.double({ min: 0, max: 4_000_000, noNaN: true }), weight: fc.integer({ min: 1, max: 64 }) }),
  { minLength: 1, maxLength: 50 },
);
const share = fc.double({ min: 0, max: 1, noNaN: true });

const sketchOf = (values: readonly { readonly ms: number; readonly weight: number }[]): LatencySketch => {
  const sketch = new LatencySketch();
  for (const { ms, weight } of values) sketch.add(ms, weight / 16);
  return sketch;
};

describe('summed latencies', () => {
  it('are those of the sketches, each quantile of them', () => {
    fc.assert(
      fc.property(measured, share, (values, q) => {
        const sketch = sketchOf(values);
        const bins = new LatencyBins(1);
        bins.addSketch(sketch);
        expect(bins.quantile(q)).toBeCloseTo(sketch.quantile(q), 6);
      }),
    );
  });

  it('are within 9 % of them when four keys are one bin', () => {
    fc.assert(
      fc.property(measured, share, (values, q) => {
        const sketch = sketchOf(values);
        const bins = new LatencyBins(4);
        bins.addSketch(sketch);
        const [exact, found] = [sketch.quantile(q), bins.quantile(q) ?? Number.NaN];
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.09);
      }),
    );
  });

  it('say nothing of nothing, and none of none', () => {
    const bins = new LatencyBins(1);
    expect(bins.quantile(0.5)).toBeUndefined();
    bins.addSketch(sketchOf([{ ms: 0, weight: 16 }]));
    expect(bins.quantiles([0, 0.5, 1])).toEqual([0, 0, 0]);
  });
});

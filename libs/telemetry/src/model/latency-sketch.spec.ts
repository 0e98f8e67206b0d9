import { DDSketch } from '@datadog/sketches-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencySketch } from './latency-sketch.js';

const of = (...values: readonly number[]): LatencySketch => {
  const sketch = new LatencySketch();
  for (const value of values) sketch.add(value);
  return sketch;
};

const SHARES = [0, 0.1, 0.5, 0.9, 0.99, 1];
const quantiles = (sketch: LatencySketch): number[] => SHARES.map((share) => sketch.quantile(share));
const latencies = fc.array(fc.double({ min: 0, max: 4_000_000, noNaN: true }), { maxLength: 200 });

describe('LatencySketch', () => {
  it.each(SHARES)('tells the %f quantile of a thousand to 2 %', (share) => {
    const values = Array.from({ length: 1_000 }, (_, i) => 0.5 * 1.012 ** i);
    const told = of(...values).quantile(share);
    const exact = values[Math.floor(share * (values.length - 1))] ?? 0;
    expect(Math.abs(told - exact) / exact).toBeLessThanOrEqual(0.0201);
  });

  it('knows nothing of none', () => {
    expect(new LatencySketch().quantile(0.5)).toBeNaN();
    expect(LatencySketch.fromBytes(new LatencySketch().toBytes()).count).toBe(0);
  });

  it('keeps weights to a sixteenth, and takes no nonsense', () => {
    const sketch = new LatencySketch();
    sketch.add(10, 16 / 3);
    for (const [ms, weight] of [[-1], [Number.NaN], [5, 0], [5, -1]] as const) sketch.add(ms, weight);
    expect(sketch.count).toBe(5.3125);
    sketch.add(Number.MAX_VALUE);
    expect(sketch.quantile(1)).toBeLessThan(3_700_000);
  });

  it('is the same after it was written and read', () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const sketch = of(...values);
        const read = LatencySketch.fromBytes(sketch.toBytes());
        expect(read.count).toBe(sketch.count);
        expect(quantiles(read)).toEqual(quantiles(sketch));
        expect(read.toBytes()).toEqual(sketch.toBytes());
      }),
    );
  });

  it('is the same when it is made of its bins, whether it is merged or asked', () => {
    fc.assert(
      fc.property(latencies, latencies, (some, others) => {
        const whole = of(...some, ...others);
        const merged = of(...others);
        merged.merge(LatencySketch.of(of(...some).bins()));
        expect(merged.toBytes()).toEqual(whole.toBytes());
        const packed = LatencySketch.of(whole.bins());
        expect(packed.count).toBe(whole.count);
        expect(quantiles(packed)).toEqual(quantiles(whole));
      }),
    );
  });

  it("tells what the library's own sketch tells", () => {
    const weighed = fc.tuple(fc.double({ min: 0.01, max: 3_600_000, noNaN: true }), fc.integer({ min: 1, max: 256 }));
    fc.assert(
      fc.property(fc.array(weighed, { minLength: 16, maxLength: 200 }), (values) => {
        const [ours, theirs] = [new LatencySketch(), new DDSketch({ relativeAccuracy: 0.02 })];
        for (const [ms, sixteenths] of values) {
          ours.add(ms, sixteenths / 16);
          theirs.accept(ms, sixteenths / 16);
        }
        expect(ours.count).toBe(theirs.count);
        expect(quantiles(ours)).toEqual(SHARES.map((share) => theirs.getValueAtQuantile(share)));
      }),
    );
  });

  it('of less than one request is how long that took', () => {
    const sketch = new LatencySketch();
    sketch.add(100, 0.5);
    expect(sketch.quantile(0.5)).toBeCloseTo(100, -1);
  });

  it('is the same of bins in any order', () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const { zeros, bins } = of(...values).bins();
        const halves = bins.flatMap(([key, count]) => [[key, count / 2] as const, [key, count / 2] as const]);
        const made = LatencySketch.of({ zeros, bins: halves.toReversed() });
        expect(made.toBytes()).toEqual(of(...values).toBytes());
      }),
    );
  });

  it('takes as much memory as it has bins, however it was made', () => {
    const one = of(7);
    expect(one.bytes).toBeLessThan(150);
    expect(of(7, 8, 9).bytes - one.bytes).toBe(2 * 16);
    const merged = of(7);
    merged.merge(of(8, 9));
    expect(merged.bytes).toBe(of(7, 8, 9).bytes);
    expect(LatencySketch.of(merged.bins()).bytes).toBe(merged.bytes);
  });

  it('merges without loss, in any order', () => {
    fc.assert(
      fc.property(latencies, latencies, (some, others) => {
        const [left, right] = [of(...some), of(...others)];
        left.merge(of(...others));
        right.merge(of(...some));
        expect(left.toBytes()).toEqual(right.toBytes());
        expect(left.toBytes()).toEqual(of(...some, ...others).toBytes());
      }),
    );
  });

  it('needs a few bytes for what ten seconds bring', () => {
    const values = Array.from({ length: 100 }, (_, i) => 5 + (i % 40));
    expect(of(...values).toBytes().length).toBeLessThan(130);
  });

  it.each([
    ['nothing', []],
    ['another version', [2, 0, 0]],
    ['too many bins', [1, 0, 0xff, 0xff, 0x7f]],
    ['an end in the middle', [1, 0, 2, 1]],
  ])('refuses %s', (_, bytes) => {
    expect(() => LatencySketch.fromBytes(Uint8Array.from(bytes))).toThrow();
  });
});

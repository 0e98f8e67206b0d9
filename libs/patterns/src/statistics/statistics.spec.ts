import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencySketch } from '#libs/telemetry';
import { confidence, excessEvidence, needed, riseEvidence, shareEvidence } from './evidence.js';
import { shareAbove } from './latency.js';
import { strongestSegment } from './segment.js';

/** Chance that a Poisson variable of this mean is at least so much, summed exactly. */
function poissonTail(least: number, mean: number): number {
  let [term, below] = [Math.exp(-mean), 0];
  for (let k = 0; k < least; k += 1) {
    below += term;
    term *= mean / (k + 1);
  }
  return 1 - below;
}

function binomialTail(least: number, n: number, p: number): number {
  let tail = 0;
  for (let k = least; k <= n; k += 1) {
    let log = k * Math.log(p) + (n - k) * Math.log(1 - p);
    for (let i = 1; i <= k; i += 1) log += Math.log((n - k + i) / i);
    tail += Math.exp(log);
  }
  return tail;
}

describe('evidence', () => {
  it('never says that a count is rarer than it is (Chernoff)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0.01, max: 40, noNaN: true }),
        (failed, expected) => {
          expect(Math.exp(-excessEvidence(failed, expected))).toBeGreaterThanOrEqual(
            poissonTail(failed, expected) - 1e-12,
          );
        },
      ),
    );
  });

  it('never says that a share is rarer than it is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0.05, max: 0.95, noNaN: true }),
        fc.nat(50),
        (all, share, some) => {
          const inside = Math.min(all, some);
          expect(Math.exp(-shareEvidence(inside, all, share))).toBeGreaterThanOrEqual(
            binomialTail(inside, all, share) - 1e-9,
          );
        },
      ),
    );
  });

  it.each([
    ['as many as expected', excessEvidence(5, 5), 0],
    ['none', excessEvidence(0, 5), 0],
    ['a part with its share', shareEvidence(5, 10, 0.5), 0],
    ['a part of nothing', shareEvidence(0, 0, 0.5), 0],
    ['all in half', shareEvidence(10, 10, 0.5), 10 * Math.log(2)],
    ['a mean that fell', riseEvidence([1, 1], [5, 5, 5]), 0],
    ['too little before', riseEvidence([9], [1, 1]), 0],
  ])('of %s', (_, evidence, expected) => {
    expect(evidence).toBeCloseTo(expected, 9);
  });

  it('asks for more where more was looked at', () => {
    expect(needed(1_000) - needed(1)).toBeCloseTo(Math.log(1_000), 9);
  });

  it('is confidence between none and one', () => {
    expect(
      [confidence(10, 10, 1), confidence(30, 10, 1), confidence(30, 10, 0.5), confidence(0, 10, 0)].map((value) =>
        Number(value.toFixed(2)),
      ),
    ).toEqual([0.5, 0.99, 0.5, 0]);
  });
});

describe('strongestSegment', () => {
  const total = Array.from({ length: 20 }, () => 100);
  it.each([
    ['nothing', Array.from({ length: 20 }, () => 0), undefined],
    ['what still goes on', [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 25, 22], [17, 19]],
    ['what is over', [0, 0, 0, 30, 28, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], [3, 4]],
    ['a gap in the middle', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 8, 0, 9, 9, 8, 0, 0, 0, 0], [10, 15]],
  ])('finds %s', (_, failed, expected) => {
    const found = strongestSegment(failed, total, 0.005);
    expect(found && [found.from, found.to]).toEqual(expected);
  });
});

describe('shareAbove', () => {
  it.each([0.1, 0.5, 0.9])('is the rest of a quantile: %f', (share) => {
    const sketch = new LatencySketch();
    for (let i = 1; i <= 1_000; i += 1) sketch.add(i);
    expect(shareAbove(sketch, 1_000 * share)).toBeCloseTo(1 - share, 1);
    expect(shareAbove(new LatencySketch(), 5)).toBe(0);
  });
});

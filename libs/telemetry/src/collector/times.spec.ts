import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TimeBin } from './edge-report.js';
import { splitCounts } from './report-intervals.js';
import { Mix, spread } from './spread.js';
import { latenciesOf, together, without } from './times.js';

const BOUNDS = [
  1, 2, 3, 4, 5, 7, 9, 12, 16, 22, 30, 40, 54, 72, 97, 130, 175, 235, 315, 425, 570, 770, 1_040, 1_400, 1_900,
];

/** As Envoy counts: whole milliseconds, rounded down. */
function histogramOf(values: readonly number[]): TimeBin[] {
  return BOUNDS.map((upTo, i) => {
    const from = BOUNDS[i - 1] ?? 0;
    const inside = values.filter((ms) => Math.floor(ms) <= upTo && (Math.floor(ms) > from || from === 0));
    return { from, upTo, count: inside.length };
  }).filter(({ count }) => count > 0);
}

/** The same for everybody: a latency like that of a service, with a long tail. */
const latency = (i: number): number =>
  8 + ((i * 7919) % 1_000) / 50 + ((i * 104_729) % 997 > 960 ? 180 + (i % 400) : 0);

describe('latencies', () => {
  it.each([0.5, 0.9, 0.99])('are right to 10 %% at %f, by a histogram and a sample of one of sixteen', (share) => {
    const values = Array.from({ length: 2_000 }, (_, i) => latency(i));
    const sample = values.filter((_, i) => i % 16 === 0).map((ms) => ({ ms, weight: 16 }));
    const exact = values.toSorted((a, b) => a - b)[Math.floor(share * 1_999)] ?? 0;
    const told = latenciesOf(2_000, histogramOf(values), sample);
    expect(told.count).toBeCloseTo(2_000, -2);
    expect(Math.abs(told.quantile(share) - exact) / exact).toBeLessThan(0.1);
  });

  it.each([0.5, 0.99])('are right to 18 %% at %f without any sample', (share) => {
    const values = Array.from({ length: 2_000 }, (_, i) => latency(i));
    const exact = values.toSorted((a, b) => a - b)[Math.floor(share * 1_999)] ?? 0;
    const told = latenciesOf(2_000, histogramOf(values), []).quantile(share);
    expect(Math.abs(told - exact) / exact).toBeLessThan(0.18);
  });

  it('are those of the sample where nothing else is known, and none of nothing', () => {
    expect(latenciesOf(32, [], [{ ms: 10, weight: 16 }]).count).toBe(32);
    expect(latenciesOf(32, [], []).count).toBe(0);
    expect(latenciesOf(0, [{ from: 0, upTo: 1, count: 3 }], []).count).toBe(0);
  });

  it('of what is counted elsewhere are taken out', () => {
    const bins = [
      { from: 0, upTo: 1, count: 2 },
      { from: 1, upTo: 5, count: 1 },
    ];
    expect(without(bins, [0.5, 3.2, 999])).toEqual([{ from: 0, upTo: 1, count: 1 }]);
    expect(together(bins, bins).map(({ count }) => count)).toEqual([4, 2]);
  });
});

describe('a whole that is shared out', () => {
  const shares = fc.array(fc.double({ min: 0, max: 1_000, noNaN: true }), { minLength: 1, maxLength: 20 });

  it('is whole again', () => {
    fc.assert(
      fc.property(fc.nat(100_000), shares, (total, weights) => {
        const parts = spread(
          total,
          weights.map((weight, of) => ({ of, weight })),
        );
        const sum = parts.reduce((all, { count }) => all + count, 0);
        expect(sum).toBe(weights.some((weight) => weight > 0) ? total : 0);
        expect(parts.every(({ count }) => Number.isInteger(count) && count > 0)).toBe(true);
      }),
    );
  });

  it('is whole again over time, by class and by bin', () => {
    const counts = fc.record({
      byClass: fc.tuple(fc.nat(1_000), fc.nat(1_000), fc.nat(1_000), fc.nat(1_000)),
      retries: fc.nat(1_000),
      times: fc.array(fc.record({ from: fc.constant(0), upTo: fc.constant(1), count: fc.nat(1_000) }), {
        maxLength: 3,
      }),
    });
    fc.assert(
      fc.property(counts, fc.nat(10), (whole, of) => {
        const parts = splitCounts(whole, [
          { of: 'a', weight: of },
          { of: 'b', weight: 10.5 - of },
        ]).map((part) => part.counts);
        const sum = (column: (part: (typeof parts)[number]) => number): number =>
          parts.reduce((all, part) => all + column(part), 0);
        for (const i of [0, 1, 2, 3] as const) expect(sum(({ byClass }) => byClass[i])).toBe(whole.byClass[i]);
        expect(sum(({ retries }) => retries)).toBe(whole.retries);
        const binned = whole.times.reduce((all, { count }) => all + count, 0);
        expect(sum(({ times }) => times.reduce((all, { count }) => all + count, 0))).toBe(binned);
      }),
    );
  });

  it('follows what was seen lately', () => {
    const mix = new Mix<string>();
    mix.add('old', 'old', 64);
    for (let i = 0; i < 5; i++) {
      mix.age();
      mix.add('new', 'new', 1);
    }
    expect(mix.shares.map(({ of, weight }) => [of, weight])).toEqual([
      ['old', 2],
      ['new', 1.9375],
    ]);
  });
});

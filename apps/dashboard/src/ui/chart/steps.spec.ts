import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gathered, plotted, type Step } from './steps';

const frame = { from: 0, to: 60, stepMs: 10 };
const step = (at: number, value: number | null, isIncomplete = false): Step => ({ at, isIncomplete, values: [value] });

describe('steps of a chart', () => {
  it('of which nothing is known are holes, not zeros, and what is not whole is a line of its own that meets the other', () => {
    const steps = [step(0, 1), step(10, 0), step(30, 3), step(40, 4), step(50, 2, true)];
    const { data, bands } = plotted(steps, 1, frame);
    expect(data).toEqual([
      [0, 0.01, 0.02, 0.03, 0.04, 0.05],
      [1, 0, null, 3, 4, null],
      [null, null, null, null, 4, 2],
    ]);
    expect(bands).toEqual([
      { what: 'unknown', from: 20, to: 30 },
      { what: 'incomplete', from: 50, to: 60 },
    ]);
  });

  it('that lie beside each other have one ground', () => {
    const { bands } = plotted([step(0, 1, true), step(10, 1, true)], 1, frame);
    expect(bands.map(({ what, from, to }) => [what, from, to])).toEqual([
      ['incomplete', 0, 20],
      ['unknown', 20, 60],
    ]);
  });
});

describe('marks', () => {
  it('lie apart, and each is in one group', () => {
    const times = fc.array(fc.record({ at: fc.integer({ min: 0, max: 59 }) }), { maxLength: 40 });
    fc.assert(
      fc.property(times, (marks) => {
        const groups = gathered(marks, frame, 0.1);
        expect(groups.flat()).toEqual(marks.toSorted((a, b) => a.at - b.at));
        const starts = groups.map(([first]) => first?.at ?? 0);
        expect(starts.every((at) => at >= frame.from)).toBe(true);
        for (const [i, at] of starts.entries()) expect(i === 0 || at - (starts[i - 1] ?? 0) >= 6).toBe(true);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachOf, finish, flatMapped, mapped, type Steps, sortedByInSteps, sortedInSteps } from './steps.js';

function pausesOf(steps: Steps<unknown>): number {
  let pauses = 0;
  while (!steps.next().done) pauses += 1;
  return pauses;
}

describe('work in steps', () => {
  it('sorts as the built-in sort does, whatever the length, equal items in their order', () => {
    const item = fc.record({ rank: fc.nat(9), at: fc.nat() });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 1_500, size: 'max' }), (items) => {
        const compare = (a: { rank: number }, b: { rank: number }): number => a.rank - b.rank;
        expect(finish(sortedInSteps(items, compare))).toEqual(items.toSorted(compare));
      }),
      { numRuns: 30 },
    );
    expect(finish(sortedByInSteps(['b', 'a\u{1F600}', 'a'], (key) => key))).toEqual(['a', 'a\u{1F600}', 'b']);
  });

  it('pauses after as many items as are told, and while it merges', () => {
    const items = Array.from({ length: 1_000 }, (_, i) => i);
    expect(pausesOf(eachOf(items, () => undefined, 10))).toBe(100);
    expect(pausesOf(sortedInSteps(items, (a, b) => b - a))).toBeGreaterThan(8);
  });

  it('maps in order', () => {
    expect(finish(mapped([1, 2, 3], (n) => n * 2, 1))).toEqual([2, 4, 6]);
    expect(finish(flatMapped([1, 0, 2], (n) => Array.from({ length: n }, () => n), 1))).toEqual([1, 2, 2]);
  });
});

import { expect, it } from 'vitest';
import { growthOf, verdictOf } from './growth.js';

/** Forty looks in as many minutes, with a saw of some megabytes that means nothing. */
const looks = (heapMb: (minute: number) => number, minutes = 40) =>
  Array.from({ length: minutes }, (_, minute) => ({ atS: minute * 60, heapMb: heapMb(minute) + ((minute * 7) % 5) }));

it.each([
  ['flat', 'nothing', looks(() => 120)],
  ['flat', 'less than the limit', looks((minute) => 120 + minute * 0.02)],
  ['flat', 'what falls', looks((minute) => 120 - minute)],
  ['grows', 'a quarter of a megabyte a minute', looks((minute) => 120 + minute * 0.25)],
  ['grows', 'all of it at once, in the middle', looks((minute) => (minute < 20 ? 120 : 140))],
  ['unknown', 'four looks, which differ by chance', looks(() => 120, 4)],
  ['unknown', 'two looks', looks(() => 120, 2)],
] as const)('it is %s: %s', (verdict, _, seen) => {
  expect(verdictOf(growthOf(seen))).toBe(verdict);
});

it('says how much an hour, and is sure of what lies on a line', () => {
  const line = Array.from({ length: 10 }, (_, i) => ({ atS: i * 360, heapMb: 100 + i }));
  const { perHour, from, to } = growthOf(line);
  expect([perHour, from, to].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([10, 10, 10]);
});

import { expect, it } from 'vitest';
import { minutesThatFit } from './usual-minutes.js';

it.each([
  ['nothing', 0, 24, 120],
  ['a small mesh', 2_400, 24, 120],
  ['just what fits', 200_000, 120, 120],
  ['twice that', 400_000, 120, 60],
  ['the same, measured in fewer minutes', 80_000, 24, 60],
  ['so much that only the fewest are kept', 10_000_000, 24, 24],
])('of %s, %d cells in %d minutes, %d minutes are kept', (_, cells, minutes, kept) => {
  expect(minutesThatFit(cells, minutes)).toBe(kept);
});

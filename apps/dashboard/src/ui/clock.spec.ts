import { expect, it } from 'vitest';
import { clockWords } from './clock';

const NOON = new Date(2026, 10, 28, 12, 0, 0).getTime();
const at = (hoursBack: number): string => new Date(NOON - hoursBack * 3_600_000 + 31_000).toISOString();

it.each([
  [1, /^11:00:31/],
  [11, /^0?1:00:31/],
  [13, /27.*11:00|27.*23:00/],
  [24, /27.*12:00/],
  [24 * 28, /31.*12:00/],
])('what was %d hours ago says its day if it is another one', (hours, words) => {
  expect(clockWords(at(hours), NOON)).toMatch(words);
});

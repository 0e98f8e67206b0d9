import { expect, it } from 'vitest';
import { after } from './turn-order.js';

it.each([
  ['', 'a b c'],
  ['a', 'b c a'],
  ['b', 'c a b'],
  ['c', 'a b c'],
  ['bb', 'c a b'],
  ['z', 'a b c'],
])('after "%s": %s', (last, expected) => {
  expect(after(['a', 'b', 'c'], last).join(' ')).toBe(expected);
  expect(after([], last)).toEqual([]);
});

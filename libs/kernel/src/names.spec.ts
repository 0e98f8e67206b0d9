import fc from 'fast-check';
import { expect, it } from 'vitest';
import { changeId, revisionOf } from './names.js';

it('a change is called by its revision, in one way', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999_999_999_999 }), (revision) => {
      expect(revisionOf(changeId(revision))).toBe(revision);
    }),
  );
});

it.each([
  '',
  '41',
  'c-',
  'c-0',
  'c-041',
  'c--1',
  'c-1.5',
  'c-1e3',
  's-7',
  'C-41',
  ' c-41',
  'c-41\n',
  'c-1234567890123456',
])('%j is no id of a change', (text) => {
  expect(revisionOf(text)).toBeUndefined();
});

import { describe, expect, it } from 'vitest';
import { SharedSets } from './holdings.js';
import { SharedNames } from './shared-names.js';

const NAMES = Array.from({ length: 20 }, (_, index) => `n${index}`);

describe('names that many subscribe to', () => {
  it('are one set, in whatever order they were asked for', () => {
    const sets = new SharedSets();
    const first = sets.names(NAMES);
    expect([...(first ?? [])]).toEqual(NAMES);
    expect(sets.names(NAMES.toReversed())).toBe(first);
    expect(sets.names(NAMES)).toBe(first);
    expect(sets.names([...NAMES.slice(1), 'other'])).not.toBe(first);
  });

  it('GEN-7 of a list with a name twice there is none', () => {
    const sets = new SharedSets();
    sets.names(NAMES);
    expect(sets.names([...NAMES.slice(1), 'n1'])).toBeUndefined();
  });

  it('equal a list only if each is there once', () => {
    const names = new SharedNames(['a', 'b', 'c']);
    expect(names.equals(['c', 'a', 'b'])).toBe(true);
    for (const list of [
      ['a', 'b'],
      ['a', 'a', 'b'],
      ['a', 'b', 'd'],
      ['a', 'b', 'c', 'c'],
    ]) {
      expect(names.equals(list), list.join()).toBe(false);
    }
    expect(names.equals(['a', 'b', 'c'])).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { Recent } from './recent.js';

const keysOf = (recent: Recent<string>, keys: string): string =>
  keys
    .split('')
    .filter((key) => recent.get(key, Number.NEGATIVE_INFINITY) !== undefined)
    .join('');

describe('Recent', () => {
  it('keeps the newest, up to a number', () => {
    const recent = new Recent<string>(3);
    for (const key of ['a', 'b', 'c', 'a', 'd']) recent.set(key, key, 0);
    expect([recent.size, keysOf(recent, 'abcd')]).toEqual([3, 'acd']);
  });

  it('keeps the newest, up to a weight', () => {
    const recent = new Recent<string>(10, (value) => value.length);
    recent.set('a', 'xxxx', 0);
    recent.set('b', 'xxxx', 0);
    recent.set('a', 'x', 0);
    recent.set('c', 'xxxxx', 0);
    expect(keysOf(recent, 'abc')).toBe('abc');
    recent.set('d', 'x', 0);
    expect(keysOf(recent, 'abcd')).toBe('acd');
    recent.set('e', 'x'.repeat(11), 0);
    expect([recent.size, keysOf(recent, 'abcde')]).toEqual([0, '']);
  });

  it('knows what is fresh', () => {
    const recent = new Recent<string>(3);
    recent.set('a', 'a', 10);
    expect([recent.get('a', 10), recent.get('a', 11)]).toEqual(['a', undefined]);
    recent.clear();
    expect([recent.get('a', 10), recent.size]).toEqual([undefined, 0]);
  });
});

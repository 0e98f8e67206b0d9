import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_ADDRESS, LAST_ADDRESS, pickNumbers } from './addresses.js';

describe('numbers of services', () => {
  it('are free, in range and different, from the cursor upwards and round the end', () => {
    const number = fc.integer({ min: FIRST_ADDRESS, max: LAST_ADDRESS });
    fc.assert(
      fc.property(fc.uniqueArray(number, { maxLength: 200 }), number, fc.nat(50), (used, next, count) => {
        const picked = pickNumbers(new Set(used), next, count);
        expect(picked.numbers).toHaveLength(count);
        expect(new Set([...picked.numbers, ...used]).size).toBe(count + used.length);
        expect(picked.numbers.every((n) => n >= FIRST_ADDRESS && n <= LAST_ADDRESS)).toBe(true);
      }),
    );
    expect(pickNumbers(new Set([65_534, 2]), 65_533, 2)).toEqual({ numbers: [65_533, 3], next: 4 });
  });

  it('rest after their service has gone: the next one is taken first', () => {
    expect(pickNumbers(new Set([2]), 4, 1)).toEqual({ numbers: [4], next: 5 });
  });

  it('end, and then it is an error', () => {
    const all = new Set(Array.from({ length: LAST_ADDRESS }, (_, index) => index + 1));
    expect(() => pickNumbers(all, 2, 1)).toThrow('65533 services');
    all.delete(77);
    expect(pickNumbers(all, 2, 1).numbers).toEqual([77]);
  });
});

import { describe, expect, it } from 'vitest';
import { fittingWidths } from './output.js';
import { cut } from './terminal.js';

describe('tables', () => {
  const head = ['name', 'message'];
  const rows = [['orders', 'x'.repeat(100)]];

  it.each([
    ['are as wide as what is in them where nobody looks', undefined, undefined],
    ['are left alone where they fit', 120, undefined],
    ['take from the widest column first', 60, [6, 52]],
    ['leave every column something', 10, [6, 8]],
  ])('%s', (_, width, expected) => {
    expect(fittingWidths(head, rows, width)).toEqual(expected);
  });

  it('lines are cut with a mark, and only where they are too long', () => {
    expect([cut('abcdef', 4), cut('abcd', 4), cut('a\nb', undefined)]).toEqual(['abc…', 'abcd', 'a b']);
  });
});

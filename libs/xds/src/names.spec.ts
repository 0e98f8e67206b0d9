import { describe, expect, it } from 'vitest';
import { canonicalName, canonicalNames, globOf, isGlob } from './names.js';

describe('names of resources', () => {
  it.each([
    ['plain/name?b=2&a=1', 'plain/name?b=2&a=1'],
    ['xdstp://mesh/type/id', 'xdstp://mesh/type/id'],
    ['xdstp://mesh/type/id?b=2&a=1', 'xdstp://mesh/type/id?a=1&b=2'],
    ['xdstp:///type/a%2fb%41?k=%7e', 'xdstp:///type/a%2FbA?k=~'],
    ['xdstp://mesh/type/id?a=1&a=2', 'xdstp://mesh/type/id?a=1&a=2'],
  ])('TP-1 %s is known as %s', (name, known) => {
    expect(canonicalName(name)).toBe(known);
  });

  it('TP-1 a list without such names is not copied', () => {
    const names = ['a', 'x'];
    expect(canonicalNames(names)).toBe(names);
    expect(canonicalNames(['a', 'xdstp://m/t/i?b=1&a=1'])).toEqual(['a', 'xdstp://m/t/i?a=1&b=1']);
  });

  it.each([
    ['xdstp://mesh/type/foo/a', 'xdstp://mesh/type/foo/*'],
    ['xdstp://mesh/type/foo/a?k=1', 'xdstp://mesh/type/foo/*?k=1'],
    ['xdstp://mesh/type/foo/bar/a', 'xdstp://mesh/type/foo/bar/*'],
    ['xdstp://mesh/type/foo/*', ''],
    ['foo/a', ''],
    ['xdstp://mesh', ''],
  ])('TP-2 %s belongs to "%s"', (name, glob) => {
    expect(globOf(name)).toBe(glob);
    expect(isGlob(glob)).toBe(glob !== '');
  });
});

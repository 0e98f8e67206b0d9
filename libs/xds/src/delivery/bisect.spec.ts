import { describe, expect, it } from 'vitest';
import { splitRefused } from './bisect.js';

describe('splitting a refused response', () => {
  it.each([
    ['halves, when nobody is blamed', ['a', 'b', 'c'], '', [['a', 'b'], ['c']]],
    ['the blamed one alone', ['a', 'b', 'c'], 'Error adding/updating cluster(s) b: no', [['a', 'c'], ['b']]],
    ['several blamed ones, each alone', ['a', 'b', 'c'], 'cluster(s) a: no, c: no', [['b'], ['a'], ['c']]],
    ['halves, when all are blamed', ['a', 'b'], 'a and b', [['a'], ['b']]],
    ['a name inside another word is not blamed', ['x/a', 'a', 'b'], 'cluster(s) x/a: no', [['a', 'b'], ['x/a']]],
    ['one name is one group', ['a'], 'a', [['a']]],
    ['nothing is no group', [], '', []],
  ])('%s', (_, names, message, groups) => {
    expect(splitRefused(names, message)).toEqual(groups);
  });
});

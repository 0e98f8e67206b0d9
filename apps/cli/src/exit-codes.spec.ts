import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EXIT, exitCodeLines } from './exit-codes.js';

const codes = Object.values(EXIT).map(String);
/** First column of the table. */
const documented = (): string[] => {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  return [...text.matchAll(/^\| (\d+) \| \S/gm)].map(([, code = '']) => code);
};

it('says what every exit code means, in the help and in the README', () => {
  expect(exitCodeLines().map((line) => /^ +(\d+) +\S/.exec(line)?.[1])).toEqual(codes);
  expect(documented()).toEqual(codes);
});

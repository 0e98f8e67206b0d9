import fc from 'fast-check';
import { of } from './draw.js';

const SEGMENTS = ['a', 'A', 'b', 'ab', 'a.b', 'a-b', 'c'];
const ODD_SEGMENTS = [
  '',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  'a%2Fb',
  'a%5cb',
  '%41',
  '%61b',
  'a%20b',
  '%7e~',
  'a;b=c',
  'a:b',
  'a\\b',
  'a^b',
  "a'b|{}",
  '%zz',
  '%',
  '<a>"',
  '...',
  '.a',
  'a%3fb',
  'a%23b',
  '%00',
];
const segment = fc.oneof({ weight: 3, arbitrary: of(...SEGMENTS) }, { weight: 1, arbitrary: of(...ODD_SEGMENTS) });
const plainSegment = fc.oneof(
  { weight: 12, arbitrary: of(...SEGMENTS) },
  { weight: 1, arbitrary: of('a%2Fb', '%41', 'a;b=c', 'a:b') },
);
const slashed = (segments: readonly string[], end: string): string => `/${segments.join('/')}${end}`;
export const path = fc
  .tuple(fc.array(segment, { minLength: 0, maxLength: 4 }), of('', '', '', '/', '//'))
  .map(([segments, end]) => slashed(segments, end));
export const matchedPath = fc
  .tuple(fc.array(plainSegment, { minLength: 0, maxLength: 3 }), of('', '', '/'))
  .map(([segments, end]) => slashed(segments, end));
export const separatedPrefix = fc
  .array(plainSegment, { minLength: 1, maxLength: 3 })
  .map((segments) => slashed(segments, ''));
export const query = fc
  .array(of('a', 'a=', 'a=1', 'a=2', 'b=1', 'b', 'A=1', '', '=1', 'a=1=2', 'a=a%20b', 'b=?', 'c=/..//x', 'a%3D1'), {
    minLength: 0,
    maxLength: 3,
  })
  .map((parts) => `?${parts.join('&')}`);

export const PATH_REGEXES = [
  '/a',
  '/a.*',
  '/(a|ab)',
  '/a/?',
  '.*b',
  '/[ab]+',
  '^/a$',
  '/a\\.b',
  '(?i)/a/.*',
  '/a|/b',
  '/.*/',
  '/[^/]+/[^/]+',
  '/(?P<x>a|b)(/.*)?',
  '.',
  '/\\w*',
  '/a{1,2}b?',
];

/** Texts that the regular expressions match, more or less. */
export const MATCHING = ['/a', '/ab', '/a/', '/a/x', '/a/b', '/A/b', '/b', '/a.b', '/aab', '/bab', '/.'];

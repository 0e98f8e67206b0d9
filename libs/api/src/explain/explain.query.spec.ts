import { describe, expect, it } from 'vitest';
import { momentOf } from './explain.query.js';

describe('a moment', () => {
  it.each([
    ['2026-11-23T14:02Z', { time: '2026-11-23T14:02:00.000Z' }],
    ['2026-11-23T14:02:03Z', { time: '2026-11-23T14:02:03.000Z' }],
    ['2026-11-23 14:02:03.5z', { time: '2026-11-23T14:02:03.500Z' }],
    ['2026-11-23T15:02+01:00', { time: '2026-11-23T14:02:00.000Z' }],
    ['2026-11-23T09:32:00-04:30', { time: '2026-11-23T14:02:00.000Z' }],
    ['-10m', { agoMs: 600_000 }],
    ['-0s', { agoMs: 0 }],
    ['-2h', { agoMs: 7_200_000 }],
    ['-30d', { agoMs: 2_592_000_000 }],
    ['c-41', { revision: 41 }],
  ])('%s', (text, moment) => {
    expect(momentOf(text)).toEqual(moment);
  });

  it.each([
    ['2026-11-23T14:02', 'say of which time zone it is: 2026-11-23T14:02Z for UTC, or 2026-11-23T14:02+01:00'],
    ['2026-11-23 14:02:03', 'say of which time zone it is: 2026-11-23T14:02:03Z for UTC'],
    ['2026-13-23T14:02Z', 'there is no such time'],
    ['2026-11-23T25:02Z', 'there is no such time'],
    ['2026-11-23', 'a time with its offset'],
    ['14:02', 'a time with its offset'],
    ['10m', 'how long ago (-10m)'],
    ['-10y', 'how long ago (-10m)'],
    ['41', 'a change (c-41)'],
    ['yesterday', 'a time with its offset (2026-11-23T14:02Z), how long ago (-10m), or a change (c-41)'],
  ])('%s is refused with what to write', (text, words) => {
    expect(momentOf(text)).toContain(words);
  });
});

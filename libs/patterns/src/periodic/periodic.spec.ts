import { describe, expect, it } from 'vitest';
import type { EdgeCell } from '#libs/telemetry';
import { baselineOf } from '../facts/usual-minutes.js';
import { findPatterns } from '../find-patterns.js';
import { found, namesOf, observedOf, timeOf } from '../testing/observed.js';
import { beatOf } from './beat.js';

const burst = (every: number, from: number) => (bucket: number) => bucket >= from && (bucket - from) % every === 0;

describe('periodic', () => {
  it.each([3, 6, 9, 12])('names bursts every %i buckets once there are four', (every) => {
    const bad = burst(every, 60 - 4 * every);
    const patterns = found({
      calls: [{ from: 'web', to: 'orders', fails: ({ bucket }) => (bad(bucket) ? ['error', 0.5] : undefined) }],
    });
    expect(patterns.map(({ name }) => name)).toEqual(['periodic']);
    expect(patterns[0]?.facts[0]).toMatchObject({ kind: 'bursts', periodMs: every * 10_000 });
    expect(patterns[0]?.ongoing).toBe(true);
  });

  it.each([
    ['steady failures', (bucket: number) => bucket >= 40],
    ['three bursts', burst(6, 42)],
    ['bursts at odd distances', (bucket: number) => [30, 34, 43, 46, 57].includes(bucket)],
  ])('is not %s', (_, bad) => {
    expect(
      namesOf({
        calls: [{ from: 'web', to: 'orders', fails: ({ bucket }) => (bad(bucket) ? ['error', 0.5] : undefined) }],
      }),
    ).not.toContain('periodic');
  });

  it('knows longer periods from the minutes before the window', () => {
    const observed = observedOf({
      calls: [
        {
          from: 'web',
          to: 'orders',
          fails: ({ bucket }) => (bucket === 20 || bucket === 50 ? ['error', 0.5] : undefined),
        },
      ],
    });
    const [cell] = observed.edges;
    const span = { from: timeOf(0) - 1_800_000, bucketMs: 60_000, buckets: 30 };
    // Every five minutes, up to the bursts of the window.
    const minutes = Array.from({ length: 30 }, (_, minute) => {
      const failed = minute % 5 === 3 ? 100 : 1;
      const of = (outcome: EdgeCell['outcome'], requests: number): EdgeCell[] =>
        cell
          ? [{ ...cell, at: span.from + minute * 60_000, lengthMs: 60_000, outcome, requests, attempts: requests }]
          : [];
      return [...of('error', failed), ...of('ok', 1_200 - failed)];
    });
    const [pattern] = findPatterns({ ...observed, baseline: baselineOf(minutes.flat(), span) });
    expect(pattern).toMatchObject({
      name: 'periodic',
      sentence: expect.stringMatching(/^shop\/orders fails every 300 s, \d times so far/),
    });
  });

  it.each([
    ['a period between buckets', [0, 9, 0, 0, 4, 5, 0, 0, 0, 9, 0, 0, 0, 5, 4, 0, 0, 0, 9, 0], 4.25],
    ['a beat that is missing', [9, 0, 0, 9, 0, 0, 9, 0, 0, 0, 0, 0, 9, 0, 0, 9, 0, 0], 3],
  ])('bears %s', (_, failed, period) => {
    expect(
      beatOf(
        failed,
        failed.map(() => 0.1),
        { tests: 1 },
      )?.period,
    ).toBeCloseTo(period, 0);
  });
});

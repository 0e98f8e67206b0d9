import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SignalTimes } from '#libs/store';
import { chartWindow, FEW_BUCKETS, MOST_POINTS, totalWindow, type Window } from './window.js';

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
const NOW = Date.UTC(2026, 10, 27, 14, 3, 27);
const floor = (at: number, length: number): number => Math.floor(at / length) * length;

/** As it is when all is well: each resolution is made of the one before some seconds after its time. */
const times = (more: Partial<SignalTimes> = {}): SignalTimes => {
  const lengths = [10 * SECOND, MINUTE, 10 * MINUTE, 3 * HOUR, DAY];
  const kept = [HOUR, DAY, 30 * DAY, 30 * DAY, 30 * DAY];
  let until = Number.POSITIVE_INFINITY;
  const tiers = lengths.map((lengthMs, i) => {
    if (i > 0) until = floor(Math.min(until, NOW - 15 * SECOND), lengthMs);
    return { lengthMs, keptFrom: floor(NOW - (kept[i] ?? 0), lengthMs), until };
  });
  return { now: NOW, newest: floor(NOW, 10 * SECOND), tiers, ...more };
};

const said = ({ spans }: Window): string[] =>
  spans.map(({ lengthMs, from, to }) => `${(to - from) / lengthMs} x ${lengthMs / SECOND} s`);

const periods = fc.record({
  backMs: fc.integer({ min: MINUTE, max: 31 * DAY }),
  endMs: fc.integer({ min: 0, max: DAY }),
});

describe('what is read', () => {
  it.each([
    ['a quarter of an hour', 15 * MINUTE, ['4 x 10 s', '1 x 60 s', '1 x 600 s', '3 x 60 s', '2 x 10 s']],
    ['a day', DAY, ['6 x 600 s', '7 x 10800 s', '12 x 600 s', '3 x 60 s']],
    ['thirty days', 30 * DAY, ['30 x 86400 s', '4 x 10800 s']],
  ])('of %s is little', (_, length, spans) => {
    expect(said(totalWindow(times(), { from: NOW - length, to: NOW }))).toEqual(spans);
  });

  it.each([
    [15 * MINUTE, 10 * SECOND],
    [HOUR, 30 * SECOND],
    [3 * HOUR, MINUTE],
    [DAY, 10 * MINUTE],
    [2 * DAY, 10 * MINUTE],
    [7 * DAY, HOUR],
    [30 * DAY, 3 * HOUR],
  ])('for a chart of %d ms has steps of %d ms', (length, step) => {
    expect(chartWindow(times(), { from: NOW - length, to: NOW }).stepMs).toBe(step);
  });

  it.each([
    [15 * MINUTE, 10 * SECOND],
    [HOUR, 30 * SECOND],
    [6 * HOUR, 2 * MINUTE],
    [DAY, 10 * MINUTE],
    [7 * DAY, 3 * HOUR],
  ])('for a chart of %d ms of many has steps of %d ms, made of few buckets', (length, step) => {
    const window = chartWindow(times(), { from: NOW - length, to: NOW }, undefined, FEW_BUCKETS);
    const buckets = window.spans.reduce((sum, { from, to, lengthMs }) => sum + (to - from) / lengthMs, 0);
    expect(window.stepMs).toBe(step);
    // At the end, a part of a bucket is made of finer ones.
    expect(buckets).toBeLessThan(FEW_BUCKETS + 60);
  });

  it('for a chart of a day has the shorter steps that are asked for, made of many more buckets', () => {
    expect(chartWindow(times(), { from: NOW - DAY, to: NOW }, 5 * MINUTE).stepMs).toBe(5 * MINUTE);
  });

  it('covers each moment of the time that is kept once, in buckets that are made, none across two steps', () => {
    fc.assert(
      fc.property(periods, fc.boolean(), ({ backMs, endMs }, isChart) => {
        const to = NOW - endMs;
        const asked = { from: to - backMs, to };
        const window = isChart ? chartWindow(times(), asked) : totalWindow(times(), asked);
        let at: number | undefined;
        for (const { lengthMs, from, to: end } of window.spans) {
          const tier = times().tiers.find((one) => one.lengthMs === lengthMs);
          expect(from).toBe(at ?? from);
          expect([from % lengthMs, end % lengthMs]).toEqual([0, 0]);
          expect(from).toBeGreaterThanOrEqual(tier?.keptFrom ?? Number.POSITIVE_INFINITY);
          expect(end).toBeLessThanOrEqual(tier?.until ?? 0);
          if (isChart) expect(window.stepMs % lengthMs).toBe(0);
          at = end;
        }
        expect(window.from).toBeLessThanOrEqual(asked.from);
        if (isChart) expect((window.to - window.from) / window.stepMs).toBeLessThanOrEqual(MOST_POINTS + 1);
        const buckets = window.spans.reduce((sum, span) => sum + (span.to - span.from) / span.lengthMs, 0);
        expect(buckets).toBeLessThanOrEqual(isChart ? 2_000 : 120);
      }),
      { numRuns: 500 },
    );
  });

  it('takes finer buckets where coarser ones are not made yet, and has a hole where nothing is kept', () => {
    const behind = times();
    const tiers = behind.tiers.map((tier, i) =>
      i === 0 ? tier : { ...tier, until: Math.min(tier.until, NOW - 2 * HOUR) },
    );
    const window = totalWindow({ ...behind, tiers }, { from: NOW - 3 * HOUR, to: NOW });
    const finest = window.spans.at(-1);
    expect(finest).toMatchObject({ lengthMs: 10 * SECOND, from: behind.tiers[0]?.keptFrom });
    expect(window.spans.at(-2)?.to).toBeLessThan(finest?.from ?? 0);
  });

  it('ends with the newest bucket that somebody has left something for', () => {
    const newest = floor(NOW, 10 * SECOND) - 20 * SECOND;
    expect(totalWindow(times({ newest }), { from: NOW - 10 * MINUTE, to: NOW }).to).toBe(newest);
    expect(totalWindow(times({ newest: 0 }), { from: NOW - 10 * MINUTE, to: NOW }).to).toBe(floor(NOW, 10 * SECOND));
  });
});

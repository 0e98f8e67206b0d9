import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EdgeCell, LatencySketch, type Outcome } from '#libs/telemetry';
import { plainBaseline } from '../testing/plain-usual.js';
import type { EdgeBaseline } from './baseline.js';
import { LATENCY_STRETCHES } from './latency-stretches.js';
import { UsualMinutes } from './usual-minutes.js';

const MINUTE_MS = 60_000;
/** Any minute, so that rings do not begin at their first place. */
const FIRST = 29_000_003;

const OUTCOMES: readonly Outcome[] = ['ok', 'ok', 'ok', 'error', 'timeout', 'client_gone'];

interface Told {
  readonly edge: number;
  readonly outcome: Outcome;
  readonly requests: number;
  readonly attempts: number;
  readonly took: readonly number[];
}

const told: fc.Arbitrary<Told> = fc.record({
  edge: fc.nat({ max: 3 }),
  outcome: fc.constantFrom(...OUTCOMES),
  requests: fc.nat({ max: 2 ** 22 }),
  attempts: fc.nat({ max: 2 ** 22 }),
  took: fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 60_000, noNaN: true })), { maxLength: 6 }),
});

function cellOf(minute: number, { edge, outcome, requests, attempts, took }: Told): EdgeCell {
  const latencies = new LatencySketch();
  for (const ms of took) latencies.add(ms, 16);
  return {
    ...{ at: minute * MINUTE_MS, lengthMs: MINUTE_MS, complete: true, subset: '', status: 0 },
    ...{ caller: `shop/${edge >> 1}`, callee: 'shop/orders/8080', route: `route-${edge & 1}` },
    ...{ outcome, requests, attempts, latencies: LatencySketch.of(latencies.bins()) },
  };
}

const keyOf = ({ callee, caller, route }: EdgeBaseline): string => `${callee} ${caller} ${route}`;

/** In one order, and without the kinds of failures of which there were none. */
const comparable = (edges: readonly EdgeBaseline[]) =>
  edges
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map(({ failing, failingRequests, failedByMinute, ...edge }) => ({
      ...edge,
      failing: shares(failing),
      failingRequests: shares(failingRequests),
      failedByMinute: failedByMinute?.some((failed) => failed > 0) ? [...failedByMinute] : [],
    }));

const shares = (of: ReadonlyMap<Outcome, number>): object =>
  Object.fromEntries([...of].filter(([, share]) => share > 0));

describe('what is usual', () => {
  it('of minutes in rings is what it is of all their cells', () => {
    const minutes = fc.array(fc.array(told, { maxLength: 5 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(minutes, fc.constantFrom(6, 12, 24), fc.nat({ max: 9 }), (all, buckets, step) => {
        const usual = new UsualMinutes({ buckets });
        const cells = all.map((of, minute) => of.map((one) => cellOf(FIRST + minute, one)));
        const length = buckets / LATENCY_STRETCHES;
        for (let from = 0; from < cells.length; from += 1 + step) {
          const to = Math.min(from + 1 + step, cells.length);
          usual.moveTo((FIRST + to) * MINUTE_MS);
          for (const cell of cells.slice(from, to).flat()) usual.add(cell);
          const newest = Math.floor((FIRST + to - 1) / length);
          const expected = plainBaseline(cells.slice(0, to).flat(), {
            ...{ from: FIRST + to - buckets, buckets },
            latenciesFrom: (newest - LATENCY_STRETCHES + 1) * length,
          });
          expect(comparable(usual.baseline().edges)).toEqual(comparable(expected));
        }
      }),
    );
  });

  it('forgets all of it after a gap that is longer than what is kept', () => {
    const usual = new UsualMinutes({ buckets: 12 });
    usual.moveTo((FIRST + 1) * MINUTE_MS);
    usual.add(cellOf(FIRST, { edge: 0, outcome: 'error', requests: 5, attempts: 5, took: [7] }));
    expect(usual.baseline().edges).toHaveLength(1);
    usual.moveTo((FIRST + 13) * MINUTE_MS);
    expect(usual.baseline().edges).toEqual([]);
    expect(usual.bytes).toBe(0);
  });
});

describe('the room for what is usual', () => {
  const MOST_BYTES = 60_000;
  const usual = new UsualMinutes({ buckets: 24 });
  usual.mostBytes = MOST_BYTES;
  const cells = (minute: number, from: number): EdgeCell[] =>
    Array.from({ length: 100 }, (_, i) => ({
      ...cellOf(minute, { edge: 0, outcome: 'ok', requests: 10, attempts: 10, took: [1 + i] }),
      caller: `shop/${from + i}`,
    }));

  it('is never exceeded, and edges for which there is none are as if they were new', () => {
    usual.moveTo((FIRST + 1) * MINUTE_MS);
    const taken = cells(FIRST, 0).filter((cell) => usual.add(cell)).length;
    expect(taken).toBeGreaterThan(10);
    expect(taken).toBeLessThan(100);
    expect(usual.baseline().edges).toHaveLength(taken);
    expect(usual.bytes).toBeLessThanOrEqual(MOST_BYTES);
  });

  it('goes to others when those that had it are gone', () => {
    usual.moveTo((FIRST + 26) * MINUTE_MS);
    for (const cell of cells(FIRST + 25, 1_000)) usual.add(cell);
    const callers = usual.baseline().edges.map(({ caller }) => caller);
    expect(callers.length).toBeGreaterThan(10);
    expect(callers).toContain('shop/1000');
    expect(callers).not.toContain('shop/0');
    expect(usual.bytes).toBeLessThanOrEqual(MOST_BYTES);
  });

  it('can become less', () => {
    usual.mostBytes = MOST_BYTES / 2;
    usual.moveTo((FIRST + 27) * MINUTE_MS);
    for (const cell of cells(FIRST + 26, 1_000)) usual.add(cell);
    expect(usual.bytes).toBeLessThanOrEqual(MOST_BYTES / 2);
    expect(usual.baseline().edges.length).toBeGreaterThan(5);
    usual.mostBytes = MOST_BYTES;
  });

  it('is not enough for one that comes to need more than is left', () => {
    const small = new UsualMinutes({ buckets: 24 });
    small.mostBytes = 5_000;
    small.moveTo((FIRST + 1) * MINUTE_MS);
    const one = { edge: 0, requests: 10, attempts: 10, took: [1] };
    expect(small.add(cellOf(FIRST, { ...one, outcome: 'ok' }))).toBe(true);
    expect(small.add(cellOf(FIRST, { ...one, outcome: 'ok', took: [0.01, 3_600_000] }))).toBe(false);
    expect(small.baseline().edges).toEqual([]);
    expect(small.bytes).toBe(0);
  });
});

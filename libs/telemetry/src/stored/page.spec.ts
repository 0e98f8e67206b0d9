import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SignalView } from '#libs/store';
import { type EdgeCell, type FailureRecord, LatencySketch, OUTCOMES } from '../model/index.js';
import { partsOf } from './harvest-store.js';
import { LatencyBins } from './latency-bins.js';
import { CellSum, type PageCell, readPage } from './page.js';

const edge = fc
  .record({
    caller: fc.constantFrom('shop/web', 'shop/cart', '', 'bank/\u0000\n'),
    callee: fc.constantFrom('shop/orders/http', 'shop/stock/grpc'),
    route: fc.constantFrom('', 'HTTPRoute/shop/orders/0', 'ü'.repeat(300)),
    outcome: fc.constantFrom(...OUTCOMES),
    status: fc.constantFrom(0, 200, 503),
    requests: fc.integer({ min: 1, max: 1_000_000 }).map((n) => n / 16),
    ms: fc.double({ min: 0, max: 10_000, noNaN: true }),
  })
  .map(({ ms, ...rest }): EdgeCell => {
    const latencies = new LatencySketch();
    latencies.add(ms, rest.requests);
    const bucket = { at: 1_000_000, lengthMs: 10_000, complete: true };
    return { ...rest, ...bucket, subset: '', attempts: rest.requests * 2, latencies };
  });
const harvests = fc.array(fc.array(edge, { maxLength: 12 }), { minLength: 1, maxLength: 8 });

const harvestOf = (edges: readonly EdgeCell[], source: string) => ({
  ...{ mesh: 'default', source, edges, instances: [], zones: [], failures: [] },
});

/** Every page by view and callee, added up in this order. */
function summed(pages: readonly { view: SignalView; callee: string; cells: Uint8Array }[]): Record<string, string> {
  const sums = new Map<string, CellSum>();
  for (const { view, callee, cells } of pages) {
    const sum = sums.get(`${view} ${callee}`) ?? new CellSum(view);
    sums.set(`${view} ${callee}`, sum);
    sum.addPage(cells);
  }
  return Object.fromEntries([...sums].map(([key, sum]) => [key, sum.toBytes().toString('hex')]));
}

const pagesOf = (edges: readonly EdgeCell[], source: string) =>
  partsOf(harvestOf(edges, source)).flatMap(({ pages }) => [...pages]);

describe('pages of cells', () => {
  it('come to the same bytes in whichever order, and in however many steps, they are added up', () => {
    fc.assert(
      fc.property(harvests, fc.nat(), (each, at) => {
        const atOnce = summed(pagesOf(each.flat(), 'all'));
        const pages = each.flatMap((edges, i) => pagesOf(edges, `s-${i}`));
        expect(summed(pages.toReversed())).toEqual(atOnce);
        // As roll-ups do it: some first, and what comes of them with the others.
        const cut = at % (pages.length + 1);
        const halves = [pages.slice(0, cut), pages.slice(cut)].flatMap((half) =>
          Object.entries(summed(half)).map(([key, bytes]) => {
            const [view, callee = ''] = key.split(' ');
            return { view: view as SignalView, callee, cells: Buffer.from(bytes, 'hex') };
          }),
        );
        expect(summed(halves)).toEqual(atOnce);
      }),
    );
  });

  it('hold what was put in: counts, and quantiles of what was measured', () => {
    fc.assert(
      fc.property(fc.array(edge, { minLength: 1, maxLength: 20 }), (edges) => {
        const cells: PageCell[] = [];
        const latencies = new LatencyBins(1);
        const all = new LatencySketch();
        for (const cell of edges) all.merge(cell.latencies);
        for (const page of pagesOf(edges, 'a').filter(({ view }) => view === 'service'))
          readPage(page.cells, {
            view: 'service',
            visit: (cell) => {
              cells.push(cell);
              return latencies;
            },
          });
        const sum = (
          count: (cell: { requests: number; attempts: number }) => number,
          of: readonly (EdgeCell | PageCell)[],
        ) => of.reduce((total, cell) => total + count(cell), 0);
        expect(sum(({ requests }) => requests, cells)).toBe(sum(({ requests }) => requests, edges));
        expect(sum(({ attempts }) => attempts, cells)).toBe(sum(({ attempts }) => attempts, edges));
        for (const q of [0, 0.5, 0.9, 0.99, 1]) expect(latencies.quantile(q)).toBeCloseTo(all.quantile(q), 6);
      }),
    );
  });

  it('are refused when they are something else, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readPage(bytes, { view: 'edge', visit: () => new LatencyBins(1) });
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('harvests', () => {
  const cell = (at: number, more: Partial<EdgeCell> = {}): EdgeCell => ({
    ...{ at, lengthMs: 10_000, complete: true, caller: 'a/b', callee: 'c/d/e', subset: '', route: '' },
    ...{ outcome: 'ok', status: 200, requests: 1, attempts: 1, latencies: new LatencySketch(), ...more },
  });

  it('become a part for each bucket, which is incomplete when one of its cells is', () => {
    const cells = [cell(20_000), cell(10_000, { complete: false }), cell(10_000, { caller: 'x/y' })];
    const parts = partsOf(harvestOf(cells, 'a')).map(({ at, complete, pages }) => [at, complete, pages.length]);
    expect(parts).toEqual([
      [10_000, false, 3],
      [20_000, true, 3],
    ]);
  });

  it('of buckets of another length are refused', () => {
    expect(() => partsOf(harvestOf([cell(60_000, { lengthMs: 60_000 })], 'a'))).toThrow(RangeError);
    expect(() => partsOf(harvestOf([cell(5)], 'a'))).toThrow('a bucket of 10000 ms at 5');
  });

  it('SEC-12 have their texts cut', () => {
    const failure: FailureRecord = {
      ...{
        at: 12_345,
        what: 'request' as const,
        requestId: 'r',
        caller: 'a/b',
        callerInstance: '',
        callee: 'c/d/e',
        subset: '',
      },
      ...{
        instance: '',
        route: '',
        outcome: 'reset' as const,
        status: 503,
        flags: '',
        details: 'd'.repeat(1e6),
        method: 'GET',
      },
      ...{ path: 'p'.repeat(1e6), durationMs: 1, attempt: 1 },
    };
    const [part] = partsOf({ ...harvestOf([], 'a'), failures: [failure] });
    expect(part).toMatchObject({ at: 10_000, pages: [] });
    expect(part?.failures.map(({ details, path }) => [details.length, path.length])).toEqual([[4_096, 2_048]]);
  });
});

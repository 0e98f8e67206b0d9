import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SignalPage, SignalView } from '#libs/store';
import { type EdgeCell, type FailureRecord, LatencySketch, OUTCOMES } from '../model/index.js';
import { partsOf } from './harvest-store.js';
import { LatencyBins } from './latency-bins.js';
import { openPage, type PageCell, readPage } from './page.js';
import { PageSum } from './page-sum.js';
import { PageWriter } from './page-writer.js';
import { shelfOf } from './shelves.js';
import { WIDTHS } from './views.js';

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
const one = (callee: string, requests: number): EdgeCell => ({
  ...{ at: 1_000_000, lengthMs: 10_000, complete: true, caller: 'shop/web', callee, subset: '', route: '' },
  ...{ outcome: 'ok', status: 200, requests, attempts: requests, latencies: new LatencySketch() },
});
const harvests = fc.array(fc.array(edge, { maxLength: 12 }), { minLength: 1, maxLength: 8 });

const harvestOf = (edges: readonly EdgeCell[], source: string) => ({
  ...{ mesh: 'default', source, edges, instances: [], zones: [], failures: [] },
});

/** Every page by view and shelf, added up in this order. */
function summed(pages: readonly SignalPage[]): Record<string, string> {
  const sums = new Map<string, PageSum>();
  for (const page of pages) {
    const { view, shelf } = page;
    const sum = sums.get(`${view} ${shelf}`) ?? new PageSum(view);
    sums.set(`${view} ${shelf}`, sum);
    sum.addPage(page);
  }
  return Object.fromEntries([...sums].map(([key, sum]) => [key, sum.toBytes().toString('hex')]));
}

const pageOf = (key: string, bytes: string): SignalPage => {
  const [view, shelf = ''] = key.split(' ');
  return { view: view as SignalView, shelf, cells: Buffer.from(bytes, 'hex') };
};

function cellsOf(
  page: SignalPage,
): { readonly cell: PageCell & { callee: string }; readonly latencies: LatencyBins }[] {
  const found: { cell: PageCell & { callee: string }; latencies: LatencyBins }[] = [];
  const service = (callee: string) => (cell: PageCell) => {
    const latencies = new LatencyBins(WIDTHS[page.view]);
    found.push({ cell: { callee, ...cell, dimensions: [...cell.dimensions] }, latencies });
    return latencies;
  };
  readPage(openPage(page), { view: page.view, service });
  return found;
}

/** Ranks are kept to a five-hundredth, in each of two steps. */
function isNear(told: number, exact: (share: number) => number, q: number): void {
  expect(told).toBeGreaterThanOrEqual(exact(Math.max(0, q - 0.005)) * (1 - 1e-9));
  expect(told).toBeLessThanOrEqual(exact(Math.min(1, q + 0.005)) * (1 + 1e-9));
}

const pagesOf = (edges: readonly EdgeCell[], source: string) =>
  partsOf(harvestOf(edges, source)).flatMap(({ pages }) => [...pages]);

describe('pages of cells', () => {
  it('come to the same bytes in whichever order they are added up', () => {
    fc.assert(
      fc.property(harvests, (each) => {
        const pages = each.flatMap((edges, i) => pagesOf(edges, `s-${i}`));
        expect(summed(pages.toReversed())).toEqual(summed(pages));
      }),
    );
  });

  it('come to the same counts, and quantiles, in however many steps they are added up', () => {
    fc.assert(
      fc.property(harvests, fc.nat(), (each, at) => {
        const pages = each.flatMap((edges, i) => pagesOf(edges, `s-${i}`));
        // As roll-ups do it: some first, and what comes of them with the others.
        const cut = at % (pages.length + 1);
        const halves = [pages.slice(0, cut), pages.slice(cut)].flatMap((half) =>
          Object.entries(summed(half)).map(([key, bytes]) => pageOf(key, bytes)),
        );
        const [steps, atOnce] = [halves, pages].map((of) =>
          Object.entries(summed(of)).flatMap(([key, bytes]) => cellsOf(pageOf(key, bytes))),
        );
        expect(steps?.map(({ cell }) => cell)).toEqual(atOnce?.map(({ cell }) => cell));
        for (const [i, { latencies }] of (steps ?? []).entries()) {
          const exact = atOnce?.[i]?.latencies;
          for (const q of [0.5, 0.99]) isNear(latencies.quantile(q) ?? -1, (share) => exact?.quantile(share) ?? -1, q);
        }
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
          readPage(openPage(page), {
            view: 'service',
            service: () => (cell) => {
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
        // Of less than one request the sketch's own library finds no rank.
        if (sum(({ requests }) => requests, edges) < 1) return;
        for (const q of [0, 0.5, 0.9, 0.99, 1]) isNear(latencies.quantile(q) ?? -1, (share) => all.quantile(share), q);
      }),
    );
  });

  it('are passed over for services that nobody asks for', () => {
    const asked = (names: readonly string[]): number => {
      let requests = 0;
      for (const page of pagesOf([one('shop/orders/http', 2), one('shop/stock/grpc', 3)], 'a'))
        if (page.view === 'service')
          readPage(openPage(page), {
            view: 'service',
            service: (callee) =>
              names.includes(callee)
                ? (cell) => {
                    requests += cell.requests;
                    return undefined;
                  }
                : undefined,
          });
      return requests;
    };
    expect([asked(['shop/orders/http']), asked(['shop/stock/grpc']), asked([])]).toEqual([2, 3, 0]);
  });

  it('of builds before, which hold one service, are read, and become part of a shelf', () => {
    const writer = new PageWriter();
    writer.number(1);
    writer.piece((texts) => texts.text('shop/web'));
    for (const number of [1, 0, OUTCOMES.indexOf('ok'), 0, 32, 48]) writer.number(number);
    writer.piece((latencies) => {
      for (const number of [0, 90, 32]) latencies.number(number);
    });
    const old = { shelf: 'shop/orders/http', cells: writer.finish() };
    const sum = new PageSum('pair');
    sum.addPage(old);
    const cells: unknown[] = [];
    const service = (callee: string) => (cell: PageCell) => void cells.push({ callee, ...cell });
    readPage(openPage({ shelf: shelfOf(old.shelf), cells: sum.toBytes() }), { view: 'pair', service });
    expect(cells).toEqual([
      {
        ...{ callee: 'shop/orders/http', dimensions: ['shop/web'], outcome: 'ok', status: 0 },
        ...{ requests: 2, attempts: 3 },
      },
    ]);
  });

  it('lie on a shelf that is the same for ever, for all ports of a service', () => {
    const names = ['shop/orders/http', 'shop/orders/', 'shop/stock/8080', 'bank/web/http', 'other', ''];
    expect(names.map(shelfOf)).toEqual(['#2', '#2', '#2', '#7', '#0', '#2']);
    const many = Array.from({ length: 800 }, (_, i) => shelfOf(`team-${i % 20}/service-${i}/http`));
    const sizes = [...Map.groupBy(many, (shelf) => shelf).values()].map(({ length }) => length);
    expect([sizes.length, Math.min(...sizes) > 60]).toEqual([8, true]);
  });

  it('are refused when they are something else, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 127 }), (bytes) => {
        try {
          // As they are, packed, and as a build before wrote them.
          const packed = Buffer.concat([Buffer.of(2, bytes.length), deflateRawSync(bytes)]);
          for (const cells of [bytes, packed, Buffer.concat([Buffer.of(1), bytes])])
            readPage(openPage({ shelf: '#0', cells }), { view: 'edge', service: () => () => new LatencyBins(1) });
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

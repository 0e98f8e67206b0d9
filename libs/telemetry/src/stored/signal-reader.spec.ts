import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentMetrics } from '#libs/kernel';
import type { SignalBucket, SignalQuery, SignalRow, SignalSpan } from '#libs/store';
import { type EdgeCell, LatencySketch } from '../model/index.js';
import { partsOf } from './harvest-store.js';
import { readRoutes } from './routes.js';
import { SignalReader } from './signal-reader.js';
import type { GoldenSignals } from './tally.js';

const BUCKET = 10_000;
const FROM = 1_000_000;

const edge = fc
  .record({
    bucket: fc.nat(5),
    source: fc.constantFrom('a', 'b'),
    caller: fc.constantFrom('shop/web', 'shop/cart', 'bank/web', ''),
    callee: fc.constantFrom('shop/orders/http', 'shop/orders/grpc', 'shop/stock/http', 'bank/orders/http', 'other'),
    route: fc.constantFrom('', 'HTTPRoute/shop/orders/0'),
    subset: fc.constantFrom('', 'green'),
    outcome: fc.constantFrom('ok' as const, 'reset' as const, 'client_gone' as const),
    sixteenths: fc.integer({ min: 1, max: 100_000 }),
    ms: fc.double({ min: 0.02, max: 10_000, noNaN: true }),
  })
  .map(({ bucket, source, sixteenths, ms, ...rest }) => {
    const latencies = new LatencySketch();
    latencies.add(ms, sixteenths / 16);
    const counts = { requests: sixteenths / 16, attempts: sixteenths / 8, latencies, ms };
    const at = FROM + bucket * BUCKET;
    return { source, cell: { ...rest, ...counts, at, lengthMs: BUCKET, complete: true, status: 200 } };
  });
type Told = { readonly source: string; readonly cell: EdgeCell & { readonly ms: number } };

/** As Postgres has it: what each source left. */
function stored(told: readonly Told[]) {
  const rows = [...Map.groupBy(told, ({ source }) => source)].flatMap(([source, own]) =>
    partsOf({ ...{ mesh: 'm', source, instances: [], zones: [], failures: [] }, edges: own.map(({ cell }) => cell) }),
  );
  const read = async ({ view, spans, service }: SignalQuery): Promise<readonly SignalRow[]> =>
    rows.flatMap(({ at, pages }) =>
      pages
        .filter((page) => page.view === view && (service === undefined || service.shelf === page.shelf))
        .filter(() => spans.some(({ from, to }) => at >= from && at < to))
        .map(({ shelf, cells }) => ({ at, shelf, cells })),
    );
  const buckets = async (_: string, spans: readonly SignalSpan[]): Promise<readonly SignalBucket[]> =>
    [...new Set(rows.map(({ at }) => at))]
      .filter((at) => spans.some(({ from, to }) => at >= from && at < to))
      .map((at) => ({ at, content: 'the same' }));
  return new SignalReader({ buckets, read, incomplete: async () => [] }, silentMetrics);
}

/** By adding up what was told, one by one. */
function naive(told: readonly Told[], keyOf: (cell: EdgeCell) => string | undefined) {
  const sums = new Map<string, { count: number; failures: number; values: [ms: number, weight: number][] }>();
  for (const { cell } of told) {
    const key = keyOf(cell);
    if (key === undefined) continue;
    const sum = sums.get(key) ?? { count: 0, failures: 0, values: [] };
    sums.set(key, sum);
    sum.count += cell.requests;
    if (cell.outcome === 'reset') sum.failures += cell.requests;
    sum.values.push([cell.ms, cell.requests]);
  }
  return sums;
}

function quantile(values: readonly (readonly [ms: number, weight: number])[], share: number): number {
  const sorted = values.toSorted(([a], [b]) => a - b);
  const rank = share * (sorted.reduce((sum, [, weight]) => sum + weight, 0) - 1);
  let seen = 0;
  for (const [ms, weight] of sorted) {
    seen += weight;
    if (seen > rank) return ms;
  }
  return sorted.at(-1)?.[0] ?? 0;
}

/** @param width how far off they may be, as a share of them */
function expectLatency(
  signals: GoldenSignals | undefined,
  values: readonly (readonly [ms: number, weight: number])[],
  width: number,
): void {
  // Of less than one request, which a share of a sample may come to, nobody says how long it took.
  if (values.reduce((sum, [, weight]) => sum + weight, 0) < 1) return;
  const { p50 = 0, p99 = 0 } = signals?.latency ?? {};
  for (const [told, share] of [
    [p50, 0.5],
    [p99, 0.99],
  ] as const) {
    // Ranks are kept to a five-hundredth.
    const [least, most] = [quantile(values, share - 0.005), quantile(values, share + 0.005)];
    expect(told).toBeGreaterThan(least * (1 - width));
    expect(told).toBeLessThan(most * (1 + width));
  }
}

const window = fc.tuple(fc.nat(5), fc.nat(5)).map(([a, b]) => {
  const [from, to] = [FROM + Math.min(a, b) * BUCKET, FROM + (Math.max(a, b) + 1) * BUCKET];
  return { from, to, stepMs: 0, spans: [{ lengthMs: BUCKET, from, to }] };
});
const PREFIXES = [undefined, 'shop/', 'shop/orders/', 'bank/orders/', 'nobody/'] as const;

describe('totals', () => {
  it('are what adding up one by one comes to, whatever window, services and pieces they are made of', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(edge, { maxLength: 40 }),
        window,
        fc.constantFrom(...PREFIXES),
        fc.constantFrom('service' as const, 'pair' as const),
        async (told, time, prefix, view) => {
          const keyOf = (callee: string, caller: string): string | undefined =>
            callee === 'other' ? undefined : view === 'pair' ? `${caller} ${callee}` : callee;
          const totals = await stored(told).totals(
            { mesh: 'm', view, window: time, prefix },
            (callee, { dimensions: [caller = ''] }) => keyOf(callee, caller),
          );
          const meant = told.filter(
            ({ cell: { at, callee } }) => at >= time.from && at < time.to && callee.startsWith(prefix ?? ''),
          );
          const expected = naive(meant, ({ callee, caller }) => keyOf(callee, caller));
          expect([...totals.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
          for (const [key, { count, failures, values }] of expected) {
            const tally = totals.get(key);
            expect([tally?.count, tally?.failures]).toEqual([count, failures]);
            expectLatency(tally?.signals(1), values, view === 'pair' ? 0.09 : 0.025);
          }
        },
      ),
    );
  });
});

describe('routes', () => {
  it('are those of one caller, or of everybody, and all together come to what was asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(edge, { maxLength: 40 }),
        window,
        fc.constantFrom(undefined, 'shop/web', '', 'nobody/here'),
        async (told, time, caller) => {
          const of = { mesh: 'm', namespace: 'shop', service: 'orders', window: time, caller };
          const { routes, total } = await readRoutes(stored(told), of);
          const meant = told.filter(
            ({ cell }) =>
              cell.at >= time.from &&
              cell.at < time.to &&
              cell.callee.startsWith('shop/orders/') &&
              (caller === undefined || cell.caller === caller),
          );
          const expected = naive(meant, ({ route, subset }) => `${route} ${subset}`);
          const counts = routes.map(({ route, subset, count, failures }) => [`${route} ${subset}`, [count, failures]]);
          expect(Object.fromEntries(counts)).toEqual(
            Object.fromEntries([...expected].map(([key, { count, failures }]) => [key, [count, failures]])),
          );
          const all = naive(meant, () => '').get('') ?? { count: 0, failures: 0, values: [] };
          expect([total.count, total.failures]).toEqual([all.count, all.failures]);
          expectLatency(total, all.values, 0.025);
        },
      ),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentMetrics } from '#libs/kernel';
import type { SignalQuery, SignalRow } from '#libs/store';
import { KeptPages } from './kept-pages.js';
import { PageSum } from './page-sum.js';

const BUCKET = 10_000;

function page(requests: number): Buffer {
  const sum = new PageSum('service');
  sum.add('shop/orders/http', { ...{ dimensions: [], outcome: 'ok', status: 0 }, requests, attempts: requests });
  return sum.toBytes();
}

/** Postgres, with what is in each bucket; counts what is read of it. */
class Stored {
  readonly contents = new Map<number, number>();
  readonly read_: number[] = [];

  readonly buckets = async (_: string, spans: SignalQuery['spans']) =>
    this.#of(spans).map((at) => ({ at, content: String(this.contents.get(at)) }));

  readonly read = async ({ spans }: SignalQuery): Promise<readonly SignalRow[]> =>
    this.#of(spans).map((at) => {
      this.read_.push(at);
      return { at, shelf: '#1', cells: page(this.contents.get(at) ?? 0) };
    });

  #of(spans: SignalQuery['spans']): number[] {
    return [...this.contents.keys()].filter((at) => spans.some(({ from, to }) => at >= from && at < to));
  }
}

const query = (from: number, to: number): SignalQuery => ({
  ...{ mesh: 'default', view: 'service' },
  spans: [{ lengthMs: BUCKET, from: from * BUCKET, to: to * BUCKET }],
});

describe('pages that are kept', () => {
  const step = fc.record({ bucket: fc.nat(9), content: fc.nat(5), from: fc.nat(9), length: fc.nat(9) });

  it('are those that are stored, whatever comes late and however little may be kept', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.constantFrom(0, 1_000, 1e9), async (steps, most) => {
        const stored = new Stored();
        const kept = new KeptPages(stored, silentMetrics, most);
        for (const { bucket, content, from, length } of steps) {
          stored.contents.set(bucket * BUCKET, content);
          const asked = query(from, from + length + 1);
          const rows = (await stored.read(asked)).toSorted((a, b) => a.at - b.at);
          const fresh = await new KeptPages(stored, silentMetrics).read(asked);
          expect(fresh.map(({ at }) => at)).toEqual(rows.map(({ at }) => at));
          expect(await kept.read(asked)).toEqual(fresh);
        }
      }),
    );
  });

  it('are read once, and once more when their bucket has changed', async () => {
    const stored = new Stored();
    const kept = new KeptPages(stored, silentMetrics);
    for (const at of [0, 1, 2, 3]) stored.contents.set(at * BUCKET, 1);
    await kept.read(query(0, 3));
    expect(stored.read_.splice(0)).toEqual([0, BUCKET, 2 * BUCKET]);
    stored.contents.set(BUCKET, 2);
    await kept.read(query(0, 4));
    expect(stored.read_.splice(0)).toEqual([BUCKET, 3 * BUCKET]);
    await kept.read(query(0, 4));
    expect(stored.read_).toEqual([]);
  });

  it('of one service are those of all, where these are there', async () => {
    const stored = new Stored();
    const kept = new KeptPages(stored, silentMetrics);
    stored.contents.set(0, 1);
    const one = { ...query(0, 1), service: { shelf: '#1', prefix: 'shop/orders/' } };
    await kept.read(one);
    await kept.read(query(0, 1));
    await kept.read({ ...one, service: { shelf: '#1', prefix: 'shop/stock/' } });
    expect(stored.read_).toEqual([0, 0]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cohortOf, type Touched } from './cohort.js';

const fleet = (hosts: number, perHost: number): readonly Touched[] =>
  Array.from({ length: hosts * perHost }, (_, i) => ({
    proxy: `shop/web-${i}`,
    host: `host-${i % hosts}`,
    locality: `zone-${i % 2}`,
    connected: true,
  }));
const hostsOf = (chosen: readonly string[], all: readonly Touched[]): readonly string[] =>
  all.filter(({ proxy }) => chosen.includes(proxy)).map(({ host }) => host);
const choose = (touched: readonly Touched[], share: number, before: readonly string[] = [], change = 's-1') =>
  cohortOf(touched, { change, share, before });

describe('the first to be given a change', () => {
  it.each([
    ['5 % of 100', 20, 5, 5, 5],
    ['50 % of 100', 20, 5, 50, 50],
    ['two at least, whatever the share', 3, 2, 1, 2],
    ['the only one there is', 1, 1, 5, 1],
    ['nobody of none', 0, 0, 5, 0],
  ])('are %s', (_what, hosts, perHost, share, expected) => {
    expect(choose(fleet(hosts, perHost), share)).toHaveLength(expected);
  });

  it('are on hosts as different as there are', () => {
    const all = fleet(4, 25);
    expect(new Set(hostsOf(choose(all, 2), all)).size).toBe(2);
    const half = hostsOf(choose(all, 50), all);
    for (const host of ['host-0', 'host-1', 'host-2', 'host-3'])
      expect(half.filter((one) => one === host).length).toBeGreaterThanOrEqual(12);
  });

  it('are connected, as long as enough are', () => {
    const all = fleet(4, 5).map((one, i) => ({ ...one, connected: i < 3 }));
    expect(choose(all, 10)).toHaveLength(2);
    expect(choose(all, 10).every((proxy) => ['shop/web-0', 'shop/web-1', 'shop/web-2'].includes(proxy))).toBe(true);
    expect(choose(all, 50)).toEqual(expect.arrayContaining(['shop/web-0', 'shop/web-1', 'shop/web-2']));
    expect(choose(all, 50)).toHaveLength(10);
  });

  it('are of both zones', () => {
    const all = fleet(4, 1);
    const zones = all.filter(({ proxy }) => choose(all, 50).includes(proxy)).map(({ locality }) => locality);
    expect(zones.sort()).toEqual(['zone-0', 'zone-1']);
  });

  it('are others for another change, and the same ones for the same', () => {
    const all = fleet(20, 5);
    expect(choose(all, 5)).toEqual(choose([...all].reverse(), 5));
    expect(choose(all, 5)).not.toEqual(choose(all, 5, [], 's-2'));
  });

  it('stay in it when it grows, as long as they are there', () => {
    const share = fc.integer({ min: 1, max: 99 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), share, share, (hosts, per, a, b) => {
        const all = fleet(hosts, per);
        const first = choose(all, Math.min(a, b));
        const second = choose(all, Math.max(a, b), first);
        expect(second).toEqual(expect.arrayContaining([...first]));
        expect(new Set(second).size).toBe(second.length);
        const fewer = all.slice(1);
        expect(choose(fewer, a, first)).not.toContain(all[0]?.proxy);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { type EdgeCell, type FailureRecord, type Harvest, LatencySketch } from '../model/index.js';
import { type EdgeTags, failureRecord, MeshTotals } from './index.js';

function cell(about: Partial<EdgeCell> & { readonly ms?: readonly number[] }): EdgeCell {
  const { ms = [], ...rest } = about;
  const latencies = new LatencySketch();
  for (const one of ms) latencies.add(one);
  return {
    ...{ at: 1_000_000, lengthMs: 10_000, complete: true, caller: 'shop/web', callee: 'shop/orders/http' },
    ...{ subset: '', route: 'r', outcome: 'ok', status: 200, requests: 1, attempts: 1, latencies },
    ...rest,
  };
}
const harvest = (...edges: readonly EdgeCell[]): Harvest => ({
  ...{ mesh: 'm', source: 's', edges, instances: [], zones: [], failures: [] },
});
const points = (totals: MeshTotals, name: string) =>
  totals.points().find((metric) => metric.name === name)?.points ?? [];

describe('how requests fare, for other engines', () => {
  it('is summed up over buckets and routes, by who calls whom and how it ended', () => {
    const totals = new MeshTotals();
    totals.add(harvest(cell({ requests: 3, attempts: 4 }), cell({ route: 'other', requests: 2, attempts: 2 })));
    totals.add(harvest(cell({ at: 1_010_000 }), cell({ outcome: 'timeout', status: 504 })));
    const edge = { 'heddle.mesh': 'm', 'heddle.caller': 'shop/web', 'heddle.callee': 'shop/orders/http' };
    const ending = (outcome: string, status: number) => ({
      ...edge,
      ...{ 'heddle.outcome': outcome, 'http.response.status_code': status },
    });
    expect(points(totals, 'heddle.mesh.requests')).toEqual([
      { values: ending('ok', 200), since: 1_000_000, value: 6 },
      { values: ending('timeout', 504), since: 1_000_000, value: 1 },
    ]);
    expect(points(totals, 'heddle.mesh.attempts').map(({ value }) => value)).toEqual([7, 1]);
  });

  it('has the latencies in fixed buckets, those of failures apart', () => {
    const totals = new MeshTotals();
    totals.add(harvest(cell({ ms: [0, 3, 40, 40, 20_000] }), cell({ outcome: 'error', status: 500, ms: [700] })));
    const [good, failed] = points(totals, 'heddle.mesh.request.duration').map(({ values, value }) => ({
      values,
      value,
    }));
    expect(good?.values).toMatchObject({ 'heddle.failed': false });
    expect(failed?.values).toMatchObject({ 'heddle.failed': true });
    expect(good?.value).toMatchObject({ counts: [1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] });
    expect(good?.value).toMatchObject({ sum: expect.closeTo(20.083, 0) });
  });

  it('has the tags of either end, and another sum when they change', () => {
    const totals = new MeshTotals();
    const tags: EdgeTags = {
      workloads: { 'shop/web': { team: 'front' }, 'shop/orders': { team: 'never' } },
      services: { 'shop/orders': { team: 'back', tier: 'gold' }, 'shop/web': { team: 'never' } },
    };
    totals.add(harvest(cell({ ms: [1] })), tags);
    totals.add(harvest(cell({ caller: '', callee: 'shop/vault/http' })), tags);
    totals.add(harvest(cell({ at: 1_010_000 })), { ...tags, services: {} });
    const caller = { 'heddle.caller.tag.team': 'front' };
    const callee = { 'heddle.callee.tag.team': 'back', 'heddle.callee.tag.tier': 'gold' };
    const of = (values: object) => Object.entries(values).filter(([name]) => name.includes('.tag.'));
    const told = points(totals, 'heddle.mesh.requests').map(({ values }) => Object.fromEntries(of(values)));
    expect(told).toEqual([{ ...caller, ...callee }, {}, caller]);
    expect(points(totals, 'heddle.mesh.request.duration')[0]?.values).toMatchObject({ ...caller, ...callee });
  });

  it('tells how many buckets are not whole', () => {
    const totals = new MeshTotals();
    totals.add(harvest(cell({ complete: false }), cell({ route: 'b', complete: false })));
    totals.add(harvest(cell({ at: 1_010_000 })));
    expect(points(totals, 'heddle.mesh.incomplete_buckets')).toMatchObject([
      { values: { 'heddle.mesh': 'm' }, value: 1 },
    ]);
  });

  it('is of 5,000 endings at most: what comes beyond is of `other`, and nothing is lost', () => {
    const totals = new MeshTotals();
    const many = Array.from({ length: 6_000 }, (_, i) => cell({ callee: `shop/s${i}/http` }));
    totals.add(harvest(...many));
    const sums = points(totals, 'heddle.mesh.requests');
    expect(sums).toHaveLength(5_001);
    expect(sums.at(-1)).toMatchObject({ values: { 'heddle.caller': 'other', 'heddle.callee': 'other' }, value: 1_000 });
    // An hour later those that are gone make room.
    totals.add(harvest(cell({ at: 1_000_000 + 3_700_000, callee: 'shop/new/http' })));
    expect(points(totals, 'heddle.mesh.requests').map(({ values }) => values)).toEqual([
      expect.objectContaining({ 'heddle.callee': 'shop/new/http' }),
    ]);
  });
});

describe('a request that failed, for other engines', () => {
  it('is what Heddle keeps of it', () => {
    const failure: FailureRecord = {
      ...{ at: 5, what: 'request', requestId: 'id', caller: 'shop/web', callerInstance: 'shop/web/web-1' },
      ...{ callee: 'shop/orders/http', subset: '', instance: 'shop/orders/orders-1', route: 'r', outcome: 'timeout' },
      ...{ status: 504, flags: 'UT', details: 'late', method: 'GET', path: '/a', durationMs: 12, attempt: 1 },
    };
    expect(failureRecord('m', failure)).toMatchObject({
      ...{ name: 'heddle.mesh.failure', at: 5, body: 'request failed: timeout, shop/web to shop/orders/http' },
      values: { 'heddle.mesh': 'm', 'url.path': '/a', 'http.response.status_code': 504, 'heddle.outcome': 'timeout' },
    });
    const tags = { workloads: { 'shop/web': { team: 'front' } }, services: {} };
    expect(failureRecord('m', failure, tags).values).toMatchObject({ 'heddle.caller.tag.team': 'front' });
  });
});

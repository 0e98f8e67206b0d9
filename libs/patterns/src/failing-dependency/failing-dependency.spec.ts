import { describe, expect, it } from 'vitest';
import type { Outcome } from '#libs/telemetry';
import { BUCKETS, type Call, calleeOf, found, sinceFault } from '../testing/observed.js';

const failing = (from: string, to: string, share: number, more: Partial<Call> = {}): Call => ({
  from,
  to,
  fails: (where) => (sinceFault(where) ? ['error', share] : undefined),
  ...more,
});

describe('failing_dependency', () => {
  it('is the deepest that fails; what is above it follows', () => {
    const patterns = found({
      calls: [
        failing('gateway', 'web', 0.5),
        failing('web', 'orders', 0.5),
        failing('orders', 'stock', 0.5),
        { from: 'orders', to: 'users' },
      ],
    });
    expect(patterns.map(({ name, scope, upstream }) => [name, scope.callees, upstream])).toEqual([
      ['failing_dependency', [calleeOf('stock')], [calleeOf('orders'), calleeOf('web')]],
    ]);
    expect(patterns[0]?.sentence).toContain('and therefore shop/orders and shop/web');
    expect(patterns[0]?.shareOfAll).toBeGreaterThan(0.95);
  });

  it.each([
    [
      'what fails far more than what it calls is a fault of its own',
      [failing('gateway', 'web', 0.6), failing('web', 'orders', 0.05)],
      ['orders', 'web'],
    ],
    [
      'services that call each other in a circle have one root',
      [failing('a', 'b', 0.5), failing('b', 'a', 0.5)],
      undefined,
    ],
  ] as [string, Call[], string[] | undefined][])('%s', (_, calls, callees) => {
    const told = found({ calls })
      .map(({ scope }) => scope.callees[0])
      .sort();
    expect(told).toHaveLength(callees?.length ?? 1);
    if (callees) expect(told).toEqual(callees.map(calleeOf));
  });

  /** What `web` calls fails at first and `web` itself later: two faults, one after another. */
  it.each(['error', 'timeout'] as const)('does not fold %s into what was over when it began', (outcome) => {
    const between =
      (from: number, to: number, of: Outcome): NonNullable<Call['fails']> =>
      ({ bucket }) =>
        bucket >= from && bucket < to ? [of, 0.9] : undefined;
    for (let lasts = 3; lasts <= 9; lasts += 1) {
      const begins = BUCKETS - lasts;
      const patterns = found({
        calls: [
          { from: 'gateway', to: 'web', requests: 500, fails: between(begins, BUCKETS, outcome) },
          { from: 'web', to: 'orders', requests: 4_000, fails: between(begins - 9, begins + 1, 'error') },
        ],
      });
      expect(patterns.map(({ scope }) => scope.callees).sort()).toEqual([[calleeOf('orders')], [calleeOf('web')]]);
    }
  });

  it('does not fold what runs out of time into what is refused at once', () => {
    const patterns = found({
      calls: [
        failing('gateway', 'web', 0.5, { fails: (where) => (sinceFault(where) ? ['timeout', 0.9] : undefined) }),
        { from: 'web', to: 'orders', refused: (bucket) => (sinceFault({ bucket }) ? ['denied', 0.9] : undefined) },
      ],
    });
    expect(patterns.map(({ name, scope }) => [name, scope.callees[0]]).sort()).toEqual([
      ['authorization', calleeOf('orders')],
      ['failing_dependency', calleeOf('web')],
    ]);
  });

  it('is not quite as sure of what may yet turn out to follow', () => {
    const patterns = found({
      calls: [failing('gateway', 'web', 0.9), failing('web', 'orders', 0.05), failing('gateway', 'users', 0.9)],
    });
    const sure = Object.fromEntries(patterns.map(({ scope, confidence }) => [scope.callees[0], confidence > 0.97]));
    expect(sure).toEqual({ [calleeOf('web')]: false, [calleeOf('orders')]: true, [calleeOf('users')]: true });
  });

  it('is not told of a few failures while far more fail by something else', () => {
    const few: Call = {
      ...{ from: 'gateway', to: 'users', requests: 100 },
      fails: ({ bucket }) => (bucket >= BUCKETS - 2 ? ['error', 0.042] : undefined),
    };
    const many = failing('gateway', 'orders', 0.9, { requests: 2_000 });
    const callees = (calls: readonly Call[]) => found({ calls }).map(({ scope }) => scope.callees[0]);
    expect([callees([few]), callees([few, many])]).toEqual([[calleeOf('users')], [calleeOf('orders')]]);
  });

  it('narrows to the route that fails', () => {
    const patterns = found({
      calls: [
        failing('web', 'orders', 0.5, { route: 'HTTPRoute/shop/orders/pay' }),
        { from: 'web', to: 'orders', route: 'HTTPRoute/shop/orders/list' },
      ],
    });
    expect(patterns.map(({ scope }) => scope.routes)).toEqual([['HTTPRoute/shop/orders/pay']]);
  });

  it('says nothing of a calm mesh', () => {
    expect(found({ calls: [{ from: 'web', to: 'orders' }] })).toEqual([]);
  });
});

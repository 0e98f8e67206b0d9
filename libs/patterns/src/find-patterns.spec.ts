import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPatterns } from './find-patterns.js';
import { emptyBaseline } from './index.js';
import { calleeOf, found, observedOf, type Setup, sinceFault } from './testing/observed.js';

const setup: Setup = {
  calls: [
    { from: 'gateway', to: 'web', fails: (where) => (sinceFault(where) ? ['error', 0.2] : undefined) },
    {
      from: 'web',
      to: 'orders',
      fails: (where) => (sinceFault(where) && where.host.name === 'orders-2' ? ['reset', 0.8] : undefined),
    },
    { from: 'web', to: 'users', refused: (bucket) => (bucket >= 55 ? ['denied', 1] : undefined) },
  ],
};
const observed = observedOf(setup);
const told = (patterns: ReturnType<typeof findPatterns>) =>
  patterns.map(({ name, scope, since }) => [name, scope, since]);

describe('findPatterns', () => {
  it('tells two faults at once apart, the one that fails more requests first', () => {
    expect(findPatterns(observed).map(({ name }) => name)).toEqual(['authorization', 'bad_host']);
  });

  it('does not depend on the order of what it is given', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const shuffled = <T>(items: readonly T[]): T[] =>
          items
            .map((item, i) => [Math.sin(seed + i), item] as const)
            .sort(([a], [b]) => a - b)
            .map(([, item]) => item);
        const other = {
          ...observed,
          edges: shuffled(observed.edges),
          instances: shuffled(observed.instances),
          zones: shuffled(observed.zones),
        };
        expect(told(findPatterns(other))).toEqual(told(findPatterns(observed)));
      }),
      { numRuns: 5 },
    );
  });

  it('takes two parts of one bucket as one', () => {
    const halves = observed.edges.flatMap((cell) =>
      [1, 2].map(() => ({ ...cell, requests: cell.requests / 2, attempts: cell.attempts / 2 })),
    );
    expect(told(findPatterns({ ...observed, edges: halves }))).toEqual(told(findPatterns(observed)));
  });

  it('is less sure where something was dropped', () => {
    const whole = findPatterns(observed)[1]?.confidence ?? 0;
    const part =
      findPatterns({ ...observed, edges: observed.edges.map((cell) => ({ ...cell, complete: false })) })[1]
        ?.confidence ?? 1;
    expect(part).toBeLessThan(whole);
  });

  it('names failures of a mesh that it has never seen before', () => {
    expect(findPatterns({ ...observed, baseline: emptyBaseline }).map(({ name }) => name)).toContain('bad_host');
  });

  it.each([
    ['no cells', { ...observed, edges: [], instances: [], zones: [] }],
    ['cells of another time', { ...observed, at: observed.at + 86_400_000 }],
    ['no buckets', { ...observed, buckets: 0, edges: [] }],
    [
      'what a row budget has thrown together',
      { ...observed, edges: observed.edges.map((cell) => ({ ...cell, callee: 'other' })) },
    ],
  ])('says nothing of %s', (_, other) => {
    expect(findPatterns(other)).toEqual([]);
  });

  it('does not take the rest of the instances for a host', () => {
    const instances = observed.instances.map((cell) => ({
      ...cell,
      instance: cell.instance.endsWith('-2') ? 'other' : cell.instance,
    }));
    expect(findPatterns({ ...observed, instances }).map(({ name }) => name)).not.toContain('bad_host');
  });

  it('does not let an outage of long ago hide one of now', () => {
    const patterns = found({
      calls: [
        {
          from: 'web',
          to: 'orders',
          fails: ({ bucket, host }) => {
            if (bucket >= 10 && bucket < 15) return ['error', 0.9];
            return bucket >= 56 && host.name === 'orders-2' ? ['error', 0.5] : undefined;
          },
        },
      ],
    });
    expect(patterns.map(({ name, ongoing }) => [name, ongoing])).toEqual([
      ['failing_dependency', false],
      ['bad_host', true],
    ]);
  });

  it('counts requests and shares', () => {
    const [pattern] = found({
      calls: [{ from: 'web', to: 'orders', refused: (bucket) => (bucket >= 50 ? ['rate_limited', 0.5] : undefined) }],
    });
    expect(pattern).toMatchObject({
      failedRequests: 1_000,
      failedAttempts: expect.closeTo(988, -2),
      scope: { callees: [calleeOf('orders')] },
    });
    expect(pattern?.shareOfScope).toBeGreaterThan(0.97);
  });
});

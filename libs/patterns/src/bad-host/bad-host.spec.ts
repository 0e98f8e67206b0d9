import { describe, expect, it } from 'vitest';
import { calleeOf, FAULT, found, hostOf, namesOf, sinceFault, timeOf, type Where } from '../testing/observed.js';

const only = (name: string) => (where: Where) => sinceFault(where) && where.host.name === name;

describe('bad_host', () => {
  it.each(['error', 'refused', 'connect_timeout', 'reset', 'timeout'] as const)(
    'names the host that fails with %s',
    (outcome) => {
      const bad = only('orders-2');
      const [pattern, ...rest] = found({
        calls: [{ from: 'web', to: 'orders', fails: (where) => (bad(where) ? [outcome, 0.43] : undefined) }],
      });
      expect(rest).toEqual([]);
      expect(pattern).toMatchObject({
        name: 'bad_host',
        scope: { callees: [calleeOf('orders')], instances: [hostOf('orders', 'orders-2')] },
        since: timeOf(FAULT),
        ongoing: true,
      });
      expect(pattern?.sentence).toMatch(
        /^orders-2 of shop\/orders fails 43 % of its attempts, its 3 siblings 0\.?\d* %; since \d\d:\d\d:\d\d$/,
      );
      expect(pattern?.confidence).toBeGreaterThan(0.9);
    },
  );

  it.each([
    ['all hosts alike', () => true],
    ['two of four in different zones', ({ host }: Where) => host.name === 'orders-0' || host.name === 'orders-1'],
  ])('does not blame one for %s', (_, bad) => {
    const names = namesOf({
      calls: [
        { from: 'web', to: 'orders', fails: (where) => (sinceFault(where) && bad(where) ? ['error', 0.5] : undefined) },
      ],
    });
    expect(names).not.toContain('bad_host');
    expect(names.length).toBeGreaterThan(0);
  });

  it.each([
    ['not those that left while it failed', [{}, {}, {}, { to: FAULT + 2 }, { to: FAULT + 4 }], '2 siblings'],
    ['also those that came later', [{}, {}, {}, { from: FAULT + 5 }], '3 siblings'],
    ['not those that left before', [{ to: FAULT - 1 }, {}, {}], '1 sibling'],
  ])('counts siblings: %s', (_, hosts, siblings) => {
    const [pattern] = found({
      hosts: { orders: hosts },
      calls: [{ from: 'web', to: 'orders', fails: (where) => (only('orders-2')(where) ? ['error', 0.5] : undefined) }],
    });
    expect(pattern?.name).toBe('bad_host');
    expect(pattern?.sentence).toContain(`, its ${siblings} 0`);
    expect(pattern?.facts[0]).toMatchObject({ kind: 'share', beside: { of: siblings } });
  });

  it('folds what fails above it', () => {
    const bad = only('orders-2');
    const patterns = found({
      calls: [
        { from: 'gateway', to: 'web', fails: (where) => (sinceFault(where) ? ['error', 0.25] : undefined) },
        { from: 'web', to: 'orders', fails: (where) => (bad(where) ? ['reset', 1] : undefined) },
      ],
    });
    expect(patterns.map(({ name, upstream }) => [name, upstream])).toEqual([['bad_host', [calleeOf('web')]]]);
  });
});

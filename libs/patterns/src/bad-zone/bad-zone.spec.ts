import { describe, expect, it } from 'vitest';
import { found, namesOf, sinceFault, type Where } from '../testing/observed.js';

const SERVICES = ['orders', 'stock', 'users', 'cart'];
const zones = ['a', 'b', 'c'];
const hosts = Object.fromEntries(SERVICES.map((name) => [name, zones.map((zone) => ({ zone }))]));
const all = (bad: (where: Where) => boolean) => ({
  hosts,
  callerZones: zones,
  calls: SERVICES.map((to) => ({
    from: 'web',
    to,
    fails: (where: Where) => (sinceFault(where) && bad(where) ? (['connect_timeout', 0.6] as const) : undefined),
  })),
});

describe('bad_zone', () => {
  it.each([
    ['into one', ({ host }: Where) => host.zone === 'b', { calleeZone: 'b' }],
    ['out of one', ({ callerZone }: Where) => callerZone === 'b', { callerZone: 'b' }],
    [
      'from one to another',
      ({ callerZone, host }: Where) => callerZone === 'a' && host.zone === 'c',
      { callerZone: 'a', calleeZone: 'c' },
    ],
    [
      'cut off from the others',
      ({ callerZone, host }: Where) => (callerZone === 'a') !== (host.zone === 'a'),
      { calleeZone: 'a' },
    ],
  ])('is one pattern for all services: %s', (_, bad, scope) => {
    const patterns = found(all(bad));
    expect(patterns.map(({ name }) => name)).toEqual(['bad_zone']);
    expect(patterns[0]?.scope).toMatchObject(scope);
    expect(patterns[0]?.scope.callees).toHaveLength(SERVICES.length);
  });

  it('is the zone of one service when all of its hosts there fail', () => {
    const four = ['a', 'a', 'b', 'b'].map((zone) => ({ zone }));
    const patterns = found({
      hosts: { orders: four },
      calls: [
        {
          from: 'web',
          to: 'orders',
          fails: (where) => (sinceFault(where) && where.host.zone === 'b' ? ['error', 0.5] : undefined),
        },
      ],
    });
    expect(patterns.map(({ name, scope }) => [name, scope.calleeZone])).toEqual([['bad_zone', 'b']]);
  });

  it('is not two bad hosts that happen to be in one', () => {
    const names = namesOf({
      ...all(() => false),
      calls: SERVICES.map((to, i) => ({
        from: 'web',
        to,
        fails: (where) => (sinceFault(where) && i < 2 && where.host.zone === 'b' ? ['reset', 0.6] : undefined),
      })),
    });
    expect(names).toEqual(['bad_host', 'bad_host']);
  });
});

import { describe, expect, it } from 'vitest';
import { type Call, calleeOf, FAULT, found, namesOf, sinceFault } from '../testing/observed.js';

const late = (bucket: number): boolean => bucket >= FAULT;
const flooded: Call = {
  from: 'web',
  to: 'orders',
  requests: (bucket) => (late(bucket) ? 600 : 200),
  takes: (bucket) => (late(bucket) ? 80 : 20),
  fails: (where) => (sinceFault(where) ? ['error', 0.3] : undefined),
};

describe('overload', () => {
  it('is load, latency and failures that rise together', () => {
    const [pattern, ...rest] = found({ calls: [flooded] });
    expect(rest).toEqual([]);
    expect(pattern).toMatchObject({ name: 'overload', scope: { callees: [calleeOf('orders')] } });
    expect(pattern?.sentence).toMatch(/60 requests a second \(20 before\), 80 ms each \(20 ms before\), 30 % fail/);
  });

  it.each([
    ['load alone rises', { ...flooded, takes: () => 20 }, ['failing_dependency']],
    ['latency alone rises', { ...flooded, requests: 200 }, ['failing_dependency']],
    [
      'load sheds itself, without a rise',
      {
        ...flooded,
        requests: 200,
        takes: () => 20,
        fails: (where) => (sinceFault(where) ? ['overloaded', 0.3] : undefined),
      },
      ['overload'],
    ],
    ['nothing fails', { ...flooded, fails: () => undefined }, []],
  ] as [string, Call, string[]][])('when %s', (_, call, names) => {
    expect(namesOf({ calls: [call] })).toEqual(names);
  });

  it('is a rise of load where some are turned away and others wait in vain, also when what comes back is as quick as ever', () => {
    const quick: Call = { ...flooded, takes: () => 20, route: 'HTTPRoute/shop/orders/list' };
    const hanging: Call = {
      ...quick,
      route: 'HTTPRoute/shop/orders/pay',
      fails: (where) => (sinceFault(where) ? ['timeout', 0.3] : undefined),
    };
    expect(namesOf({ calls: [quick, hanging] })).toEqual(['overload']);
    expect(namesOf({ calls: [quick, hanging].map((call) => ({ ...call, requests: 200 })) })).not.toContain('overload');
  });

  it('is named where the load comes in, not again where it is passed on', () => {
    const patterns = found({
      calls: [
        flooded,
        {
          ...flooded,
          from: 'orders',
          to: 'stock',
          fails: (where) => (sinceFault(where) ? ['reset', 0.03] : undefined),
        },
      ],
    });
    expect(patterns.map(({ name, scope }) => [name, scope.callees])).toEqual([['overload', [calleeOf('orders')]]]);
  });
});

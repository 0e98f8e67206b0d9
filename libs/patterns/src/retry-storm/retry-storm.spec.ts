import { describe, expect, it } from 'vitest';
import type { Outcome } from '#libs/telemetry';
import { type Call, FAULT, found, namesOf, sinceFault } from '../testing/observed.js';

const late = (bucket: number): boolean => bucket >= FAULT;
const storm: Call = {
  from: 'web',
  to: 'orders',
  takes: (bucket) => (late(bucket) ? 90 : 20),
  fails: (where) => (sinceFault(where) ? ['error', 0.4] : undefined),
  retried: (bucket) => ['error', late(bucket) ? 1.5 : 0],
};

const withOutcome =
  (outcome: Outcome): NonNullable<Call['fails']> =>
  (where) =>
    sinceFault(where) ? [outcome, 0.4] : undefined;

describe('retry_storm', () => {
  it('says how much of the load is retries', () => {
    const [pattern, ...rest] = found({ calls: [storm] });
    expect(rest).toEqual([]);
    expect(pattern?.name).toBe('retry_storm');
    expect(pattern?.sentence).toMatch(
      /^Retries are 60 % of the load of shop\/orders: 2.5 attempts for each request, 1 before/,
    );
  });

  it('is known by the way in which requests fail where what comes back is as quick as ever', () => {
    const quick: Call = { ...storm, takes: () => 20, route: 'HTTPRoute/shop/orders/list' };
    const hanging: Call = { ...quick, route: 'HTTPRoute/shop/orders/pay', fails: withOutcome('timeout') };
    expect(namesOf({ calls: [quick, hanging] })).toEqual(['retry_storm']);
  });

  it.each([
    ['retries of something that fails fast', { ...storm, takes: () => 20 }, ['failing_dependency']],
    ['a few retries', { ...storm, retried: () => ['error', 0.1] as const }, ['failing_dependency']],
    [
      'more requests than retries',
      { ...storm, requests: (bucket: number) => (late(bucket) ? 900 : 200) },
      ['overload'],
    ],
  ] as [string, Call, string[]][])('is not %s', (_, call, names) => {
    expect(namesOf({ calls: [call] })).toEqual(names);
  });
});

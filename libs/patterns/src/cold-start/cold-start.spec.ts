import { describe, expect, it } from 'vitest';
import { FAULT, found, hostOf, namesOf, timeOf, type Where } from '../testing/observed.js';

const hosts = { orders: [{}, {}, {}, { name: 'young', from: 52 }] };
const events = [
  { kind: 'instance_joined', id: 'joined', at: timeOf(52), touches: [hostOf('orders', 'young')], reversible: false },
] as const;
const coldUntil = (bucket: number) => (where: Where) =>
  where.host.name === 'young' && where.bucket < bucket ? (['error', 0.8] as const) : undefined;

describe('cold_start', () => {
  it('names what fails for twenty seconds after it joined, and then no more', () => {
    const patterns = found({ hosts, events, calls: [{ from: 'web', to: 'orders', fails: coldUntil(54) }] });
    expect(patterns).toHaveLength(1);
    expect(patterns[0]).toMatchObject({
      name: 'cold_start',
      ongoing: false,
      scope: { instances: [hostOf('orders', 'young')] },
    });
    expect(patterns[0]?.suspects[0]?.id).toBe('joined');
  });

  it.each([
    ['still fails after a minute', { orders: [{}, {}, {}, { name: 'young', from: 52 }] }, coldUntil(60), 'bad_host'],
    [
      'was there before',
      { orders: [{}, {}, {}, { name: 'young' }] },
      ({ host, bucket }: Where) => (host.name === 'young' && bucket >= FAULT ? (['error', 0.8] as const) : undefined),
      'bad_host',
    ],
  ])('is not a host that %s', (_, others, fails, name) => {
    expect(namesOf({ hosts: others, calls: [{ from: 'web', to: 'orders', fails }] })).toEqual([name]);
  });

  it('is only supposed while the host is young', () => {
    const young = { orders: [{}, {}, {}, { name: 'young', from: 58 }] };
    const [pattern] = found({ hosts: young, calls: [{ from: 'web', to: 'orders', fails: coldUntil(60) }] });
    expect(pattern).toMatchObject({ name: 'cold_start', ongoing: true });
    expect(pattern?.confidence).toBeLessThan(0.7);
  });
});

import { describe, expect, it } from 'vitest';
import {
  BUCKETS,
  calleeOf,
  FAULT,
  found,
  type Host,
  hostOf,
  type Setup,
  timeOf,
  type Where,
} from '../testing/observed.js';

const old = (n: number, to = BUCKETS - 1): Partial<Host>[] => Array.from({ length: n }, () => ({ zone: 'a', to }));
const fresh = (n: number): Partial<Host>[] =>
  Array.from({ length: n }, (_, i) => ({ name: `new-${i}`, version: 'v2', from: FAULT, zone: 'b' }));
const joined = (n: number): Setup['events'] =>
  Array.from({ length: n }, (_, i) => ({
    kind: 'instance_joined',
    id: `joined-${i}`,
    at: timeOf(FAULT) + i,
    touches: [hostOf('orders', `new-${i}`)],
    reversible: false,
  }));
const v2 = ({ host }: Where) => (host.version === 'v2' ? (['error', 0.4] as const) : undefined);

describe('bad_version', () => {
  it.each([
    ['one canary beside three', [...old(3), ...fresh(1)], 1],
    ['half of the hosts', [...old(2), ...fresh(2)], 2],
    ['all of them, the old ones being gone', [...old(3, FAULT - 1), ...fresh(3)], 3],
  ])('names a release that is %s, and suspects it', (_, hosts, count) => {
    const patterns = found({
      hosts: { orders: hosts },
      calls: [{ from: 'web', to: 'orders', fails: v2 }],
      events: joined(count) ?? [],
    });
    expect(patterns).toHaveLength(1);
    expect(patterns[0]).toMatchObject({ name: 'bad_version', scope: { callees: [calleeOf('orders')], version: 'v2' } });
    expect(patterns[0]?.suspects[0]).toMatchObject({
      kind: 'release',
      events: Array.from({ length: count }, (__, i) => `joined-${i}`),
    });
  });

  it('acquits a release that was well for minutes before everything failed', () => {
    const hosts = [...old(3, 39), ...fresh(3).map((host) => ({ ...host, from: 40 }))];
    const [pattern] = found({
      hosts: { orders: hosts },
      calls: [{ from: 'web', to: 'orders', fails: ({ bucket }) => (bucket >= FAULT ? ['error', 0.4] : undefined) }],
    });
    expect(pattern?.name).toBe('failing_dependency');
  });
});

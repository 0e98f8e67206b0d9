import { describe, expect, it } from 'vitest';
import type { TimelineEvent } from '#libs/telemetry';
import { FAULT, found, hostOf, sinceFault, timeOf, workloadOf } from '../testing/observed.js';

const SECOND = 1_000;
const start = timeOf(FAULT);
const change = (id: string, at: number, touches: readonly string[]): Partial<TimelineEvent> => ({ id, at, touches });

/** The suspects of a service that fails, of a policy that refuses, or of a certificate. */
function suspects(outcome: 'error' | 'denied' | 'tls', events: readonly Partial<TimelineEvent>[]) {
  const [pattern] = found({
    calls: [{ from: 'web', to: 'orders', fails: (where) => (sinceFault(where) ? [outcome, 0.5] : undefined) }],
    events,
  });
  return pattern?.suspects ?? [];
}

describe('suspects', () => {
  it.each([
    [
      'what touches the service before what does not',
      [change('near', start - 5 * SECOND, ['shop/orders']), change('far', start - SECOND, ['shop/cart'])],
      ['near'],
    ],
    [
      'the later of two',
      [change('early', start - 90 * SECOND, ['shop/orders']), change('late', start - 5 * SECOND, ['shop/orders'])],
      ['late', 'early'],
    ],
    ['nothing that came after', [change('after', start + 11 * SECOND, ['shop/orders'])], []],
    ['nothing of yesterday', [change('old', start - 86_400 * SECOND, ['shop/orders'])], []],
    [
      'the service before the whole mesh',
      [change('mesh', start - 2 * SECOND, []), change('service', start - 2 * SECOND, ['shop/orders'])],
      ['service', 'mesh'],
    ],
    [
      'the service before a caller of it',
      [
        change('caller', start - 2 * SECOND, [workloadOf('web')]),
        change('service', start - 2 * SECOND, ['shop/orders']),
      ],
      ['service', 'caller'],
    ],
  ])('are %s', (_, events, ids) => {
    expect(suspects('error', events).map(({ id }) => id)).toEqual(ids);
  });

  it.each([
    ['error', 'change'],
    ['denied', 'change'],
    ['tls', 'rotation'],
  ] as const)('of %s are first of all a %s', (outcome, kind) => {
    const at = start - 5 * SECOND;
    const events = [
      change('change', at, ['shop/orders']),
      { ...change('rotation', at, ['shop/orders']), kind: 'rotation', reversible: false },
    ] as const;
    expect(suspects(outcome, events)[0]).toMatchObject({ kind, reversible: kind === 'change' });
  });

  it('count the instances that came or went, and not the workload that their events touch too', () => {
    const came = (name: string, ago: number, kind: TimelineEvent['kind'] = 'instance_joined') => ({
      ...change(name, start - ago * SECOND, [hostOf('orders', name), workloadOf('orders')]),
      kind,
      title: `${name} takes traffic`,
    });
    expect(suspects('error', [came('orders-1', 9), came('orders-2', 5)])[0]).toMatchObject({
      title: '2 instances of shop/orders joined: orders-1 and orders-2',
      events: ['orders-1', 'orders-2'],
    });
    // The same one twice is one.
    expect(suspects('error', [came('orders-1', 9), came('orders-1', 5)])[0]).toMatchObject({
      title: 'orders-1 takes traffic',
      events: ['orders-1', 'orders-1'],
    });
    // By the instance, not by its workload: a sibling says less than what touches the service.
    const [only] = suspects('error', [came('orders-1', 5, 'instance_left')]);
    expect(only?.why).toBe('It touches shop/orders/orders-1, 5 s before the failures began');
  });

  it('say why, and leave something for what no timeline shows', () => {
    const [only] = suspects('error', [
      { ...change('churn', start - 7 * SECOND, [hostOf('orders', 'orders-1')]), kind: 'instance_unready' },
    ]);
    expect(only).toMatchObject({
      kind: 'churn',
      why: 'It touches shop/orders/orders-1, 7 s before the failures began',
    });
    expect(only?.score).toBeLessThan(0.5);
  });
});

import { describe, expect, it } from 'vitest';
import type { Outcome } from '#libs/telemetry';
import {
  type Call,
  calleeOf,
  FAULT,
  found,
  hostOf,
  namesOf,
  sinceFault,
  timeOf,
  workloadOf,
} from './testing/observed.js';

const refusing = (from: string, to: string, outcome: Outcome): Call => ({
  from,
  to,
  refused: (bucket) => (bucket >= FAULT ? [outcome, 0.6] : undefined),
});
const failing = (from: string, to: string, outcome: Outcome): Call => ({
  from,
  to,
  fails: (where) => (sinceFault(where) ? [outcome, 0.6] : undefined),
});

const REFUSED = [
  ['no_route', 'no_route'],
  ['no_instance', 'no_instance'],
  ['dns', 'dns'],
  ['denied', 'authorization'],
  ['rate_limited', 'rate_limit'],
  ['injected', 'fault_injection'],
  ['overflow', 'circuit_breaker'],
] as const;
const FAILED = [
  ['tls', 'certificate'],
  ['refused', 'connection_refused'],
  ['connect_timeout', 'connection_refused'],
  ['reset', 'connection_reset'],
  ['throttled', 'rate_limit'],
] as const;

describe('patterns that an outcome names', () => {
  it.each(REFUSED)('%s, refused before it is sent: %s', (outcome, name) => {
    const patterns = found({ calls: [refusing('web', 'orders', outcome)] });
    expect(patterns).toMatchObject([
      { name, scope: { callees: [calleeOf('orders')] }, since: timeOf(FAULT), failedRequests: 1_200 },
    ]);
  });

  it.each(FAILED)('%s, on all instances: %s', (outcome, name) => {
    expect(namesOf({ calls: [failing('web', 'orders', outcome)] })).toEqual([name]);
  });

  it.each(REFUSED)('%s is narrowed to the caller that has it', (outcome) => {
    const patterns = found({ calls: [refusing('web', 'orders', outcome), { from: 'mobile', to: 'orders' }] });
    expect(patterns.map(({ scope }) => scope.callers)).toEqual([[workloadOf('web')]]);
  });

  it.each([
    ['tls', 'certificate'],
    ['dns', 'dns'],
    ['denied', 'authorization'],
  ] as const)('%s of one caller to several services is one %s', (outcome, name) => {
    const patterns = found({
      calls: ['orders', 'stock', 'users'].flatMap((to) => [failing('web', to, outcome), { from: 'mobile', to }]),
    });
    expect(patterns.map((pattern) => [pattern.name, pattern.scope.callers, pattern.scope.callees.length])).toEqual([
      [name, [workloadOf('web')], 3],
    ]);
  });

  it('knows the one host whose certificate nobody accepts', () => {
    const patterns = found({
      calls: [
        {
          from: 'web',
          to: 'orders',
          fails: (where) => (sinceFault(where) && where.host.name === 'orders-1' ? ['tls', 1] : undefined),
        },
      ],
    });
    expect(patterns.map(({ name, scope }) => [name, scope.instances])).toEqual([
      ['certificate', [hostOf('orders', 'orders-1')]],
    ]);
  });

  it.each(['ok', 'client_gone'] as const)('%s is no failure', (outcome) => {
    expect(namesOf({ calls: [failing('web', 'orders', outcome)] })).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { concerns, type Happened, ofHappening } from './happenings';

const happened = (...touches: string[]): Happened => ({
  ...ofHappening({ at: '2026-01-01T00:00:00Z', kind: 'change', id: 'c-1', title: 't', touches: [], reversible: true }),
  touches,
});
const NAMES = new Set(['shop/orders', 'shop/orders-blue']);

describe('what happened concerns a service', () => {
  it.each([
    ['what touches the whole mesh', [], true],
    ['itself', ['shop/orders'], true],
    ['an instance of its workload', ['shop/orders-blue/orders-blue-1'], true],
    ['all of its namespace', ['shop'], true],
    ['another service', ['shop/web'], false],
    ['an instance of another workload', ['shop/web/web-1'], false],
    ['another namespace', ['bank'], false],
  ] as const)('%s', (_, touches, does) => {
    expect(concerns(happened(...touches), NAMES)).toBe(does);
  });
});

describe('what happened leads to what it is', () => {
  it.each([
    ['change', 'c-7', '/changes/c-7'],
    ['refusal', 'c-7', '/changes/c-7'],
    ['rotation', 'a-1', '/certificates'],
    ['instance_left', 'shop/web/web-1', '/proxies/shop/web-1'],
    ['instance_joined', 'shop/web-1', '/proxies/shop/web-1'],
  ] as const)('%s', (kind, id, href) => {
    const one = { at: '2026-01-01T00:00:00Z', kind, id, title: 't', touches: [], reversible: false };
    expect(ofHappening(one).href).toBe(href);
  });
});

import { describe, expect, it } from 'vitest';
import { wordsOf } from './obstacles.js';
import { stepOf } from './trust.js';

/** `own alias alias` */
const trust = (text: string) => {
  const [own = '', ...aliases] = text.split(' ');
  return { own, aliases };
};

describe('a change of trust domains', () => {
  it.each([
    ['a', 'a', { do: 'nothing' }],
    ['a', 'a b', { do: 'nothing' }],
    ['a b', 'a b c', { do: 'nothing' }],
    ['a b', 'b a', { do: 'callers' }],
    ['a b', 'b a c', { do: 'callers' }],
    ['b a', 'b', { do: 'contract', gone: ['a'] }],
    ['b a c', 'b c', { do: 'contract', gone: ['a'] }],
    ['a', 'b', { do: 'refuse', from: 'a', to: 'b' }],
    // Nobody accepts what the first proxies would present.
    ['a', 'b a', { do: 'refuse', from: 'a', to: 'b' }],
    // What the last proxies still present would be refused.
    ['a b', 'b', { do: 'refuse', from: 'a', to: 'b' }],
    ['a b c', 'b a', { do: 'refuse', from: 'a', to: 'b' }],
  ])('from %s to %s is %o', (before, after, step) => {
    expect(stepOf(trust(before), trust(after))).toEqual(step);
  });
});

describe('an obstacle in words', () => {
  const uses = ['shop', 'bank'].map((namespace) => ({ kind: 'Service' as const, namespace, name: 'x', requests: 12 }));

  it('names services with their requests, as far as the reader may know of them', () => {
    const obstacle = { code: 'plaintext-in-use' as const, mesh: 'm', uses };
    expect(wordsOf(obstacle, () => true)).toMatch(/: Service shop\/x \(12\), Service bank\/x \(12\)$/);
    expect(wordsOf(obstacle, (namespace) => namespace === 'shop')).toMatch(/: Service shop\/x \(12\), 1 more$/);
    expect(wordsOf(obstacle, () => false)).toMatch(/: 2 more$/);
  });

  it('names the proxies that a step has not reached', () => {
    const obstacle = { code: 'stage-not-delivered' as const, mesh: 'm', change: 'c-7', proxies: ['shop/a', 'bank/b'] };
    expect(wordsOf(obstacle, (namespace) => namespace === 'shop')).toMatch(/c-7, .*: shop\/a, 1 more$/);
    expect(wordsOf({ ...obstacle, proxies: [] }, () => true)).toMatch(/wait a few seconds$/);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffFields } from './fields.js';

const backends = (...names: readonly string[]) => names.map((name) => ({ name, port: 8080 }));

describe('the difference of two documents', () => {
  it.each([
    ['nothing', { a: { b: 1, c: 2 } }, { a: { c: 2, b: 1 } }, []],
    ['a changed field', { spec: { timeout: '1s' } }, { spec: { timeout: '2s' } }, ['change spec.timeout']],
    ['a field that came', { spec: {} }, { spec: { retry: { attempts: 2 } } }, ['add spec.retry']],
    ['a field that went', { spec: { a: null } }, { spec: {} }, ['remove spec.a']],
    ['a key with dots', { labels: { 'a.b/c': 'x' } }, { labels: {} }, ['remove labels["a.b/c"]']],
    [
      'a weight by its backend',
      { refs: [{ name: 'orders', port: 8080, subset: 'green', weight: 10 }] },
      { refs: [{ weight: 20, name: 'orders', subset: 'green', port: 8080 }] },
      ['change refs[orders:8080/green].weight'],
    ],
    ['a backend that came first', backends('b'), backends('a', 'b'), ['add [a:8080]']],
    ['another order', backends('a', 'b'), backends('b', 'a'), ['move ']],
    [
      'a reference to another kind and namespace',
      [{ name: 'x' }],
      [{ kind: 'ExternalService', namespace: 'out', name: 'x' }],
      ['add [ExternalService out/x]', 'remove [x]'],
    ],
    [
      'the second of one name',
      [
        { name: 'r', v: 1 },
        { name: 'r', v: 2 },
      ],
      [
        { name: 'r', v: 1 },
        { name: 'r', v: 3 },
      ],
      ['change [r#2].v'],
    ],
    ['a rule in between', [{ m: 1 }, { m: 3 }], [{ m: 1 }, { m: 2 }, { m: 3 }], ['add [1]']],
    ['a rule that went', [{ m: 1 }, { m: 2 }, { m: 3 }], [{ m: 1 }, { m: 3 }], ['remove [1]']],
    [
      'a rule with another field',
      [
        { m: 1, w: 1 },
        { m: 2, w: 1 },
      ],
      [
        { m: 1, w: 1 },
        { m: 2, w: 5 },
      ],
      ['change [1].w'],
    ],
    ['values of a set', ['GET', 'PUT'], ['GET', 'POST'], ['change [1]']],
    [
      'an endpoint by its address',
      [{ endpoint: { address: { socketAddress: { address: '192.0.2.1', portValue: 80 } } }, weight: 1 }],
      [{ endpoint: { address: { socketAddress: { address: '192.0.2.1', portValue: 80 } } }, weight: 2 }],
      ['change [192.0.2.1:80].weight'],
    ],
    ['another type', { a: [1] }, { a: { 0: 1 } }, ['change a']],
  ])('tells %s', (_, before, after, expected) => {
    expect(diffFields(before, after).map(({ op, path }) => `${op} ${path}`)).toEqual(expected);
  });

  it('is empty exactly where both are the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(diffFields(a, structuredClone(a))).toEqual([]);
        const same = diffFields(a, b).length === 0;
        expect(same).toBe(diffFields(b, a).length === 0);
        if (same) expect(b).toEqual(a);
      }),
    );
  });
});

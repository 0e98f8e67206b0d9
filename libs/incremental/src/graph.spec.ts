import { beforeEach, describe, expect, it, vi } from 'vitest';
import { defineIndex, defineInput, defineQuery } from './define.js';
import { Graph } from './graph.js';
import type { CellChange, Dependency, QueryKind } from './types.js';
import { CycleError, GraphFault, QueryError } from './types.js';

interface Route {
  readonly service: string;
  readonly weight: number;
}

const route = defineInput<Route>('route');
const routesByService = defineIndex({ name: 'routesByService', of: route, keysOf: (_, { service }) => [service] });
/** Cuts off: only the sign of the weight passes. */
const sign = defineQuery({ name: 'sign', run: (ctx, key) => Math.sign(ctx.input(route, key)?.weight ?? 0) });
const total = defineQuery({
  name: 'total',
  run: (ctx, service) => ctx.index(routesByService, service).reduce((sum, key) => sum + ctx.get(sign, key), 0),
});
const label = defineQuery({ name: 'label', run: (ctx, service) => `${service}=${ctx.get(total, service)}` });

let graph: Graph;
beforeEach(() => {
  graph = new Graph();
});

const changes = (changed: readonly CellChange[]): string[] =>
  changed.map(({ kind, key, value, error }) => `${kind} ${key}: ${error ? error.message : String(value)}`);
const put = (key: string, service: string, weight: number): void => graph.set(route, key, { service, weight });
const pass = (): string[] => changes(graph.pass().changed);
const runs = (action: () => unknown): number => {
  const before = graph.counters.run;
  action();
  return graph.counters.run - before;
};

describe('inputs and passes', () => {
  it('a staged input is not seen before the next pass', () => {
    put('a', 'shop', 5);
    expect([graph.read(label, 'shop'), graph.input(route, 'a')]).toEqual(['shop=0', undefined]);
    graph.pass();
    expect([graph.read(label, 'shop'), graph.input(route, 'a')]).toEqual(['shop=1', { service: 'shop', weight: 5 }]);
    graph.remove(route, 'a');
    expect(graph.read(label, 'shop')).toBe('shop=1');
    graph.pass();
    expect(graph.read(label, 'shop')).toBe('shop=0');
  });

  it('an observed cell is reported when it is new, when it changes and when it fails, and not otherwise', () => {
    graph.observe(label, 'shop');
    expect(pass()).toEqual(['label shop: shop=0']);
    expect(pass()).toEqual([]);
    put('a', 'shop', 5);
    expect(pass()).toEqual(['label shop: shop=1']);
    put('a', 'shop', 9);
    expect(pass()).toEqual([]);
    put('a', 'cart', 9);
    expect(pass()).toEqual(['label shop: shop=0']);
  });

  it('passes are counted from 1', () => {
    expect([graph.pass().pass, graph.pass().pass]).toEqual([1, 2]);
  });

  it('changes come in code-unit order of kind and key', () => {
    for (const key of ['b', 'a', 'ä', 'Z']) graph.observe(label, key);
    graph.observe(sign, 'z');
    expect(graph.pass().changed.map(({ kind, key }) => kind + key)).toEqual([
      'labelZ',
      'labela',
      'labelb',
      'labelä',
      'signz',
    ]);
  });

  it('observing is counted', () => {
    graph.observe(label, 'shop');
    graph.observe(label, 'shop');
    graph.unobserve(label, 'shop');
    expect(pass()).toEqual(['label shop: shop=0']);
    graph.unobserve(label, 'shop');
    put('a', 'shop', 1);
    expect(pass()).toEqual([]);
    expect(() => graph.unobserve(label, 'shop')).toThrow(GraphFault);
  });

  it('what is set is frozen, but for bytes', () => {
    const bytes = defineInput<Uint8Array>('bytes', String);
    const value = { service: 'shop', weight: 1 };
    graph.set(route, 'a', value);
    graph.set(bytes, 'a', new Uint8Array([1]));
    expect(Object.isFrozen(value)).toBe(true);
  });

  it('undefined is no value, and a value without canonical form is refused by the setter', () => {
    const any = defineInput<unknown>('any');
    expect(() => graph.set(any, 'a', undefined)).toThrow('use remove');
    expect(() => graph.set(any, 'a', new Map())).toThrow(TypeError);
    expect(pass()).toEqual([]);
  });

  it('two kinds of one graph cannot share a name', () => {
    graph.set(route, 'a', { service: 'shop', weight: 1 });
    expect(() => graph.set(defineInput('route'), 'a', 1)).toThrow(GraphFault);
  });
});

describe('a pass with expand', () => {
  const listed = defineQuery({ name: 'listed', run: (ctx, service) => ctx.index(routesByService, service) });

  it('goes on until nothing new is observed', () => {
    graph.observe(listed, 'shop');
    put('a', 'shop', 1);
    put('b', 'shop', -1);
    const held = new Set<string>();
    const expand = vi.fn((changed: readonly CellChange[]) => {
      for (const { kind, value } of changed) {
        if (kind !== 'listed') continue;
        const now = new Set(value as string[]);
        for (const key of now) if (!held.has(key)) graph.observe(sign, key);
        for (const key of held) if (!now.has(key)) graph.unobserve(sign, key);
        held.clear();
        for (const key of now) held.add(key);
      }
    });
    expect(changes(graph.pass({ expand }).changed)).toEqual(['listed shop: a,b', 'sign a: 1', 'sign b: -1']);
    expect(expand).toHaveBeenCalledTimes(2);
    graph.remove(route, 'a');
    put('c', 'shop', 4);
    expect(changes(graph.pass({ expand }).changed)).toEqual(['listed shop: b,c', 'sign c: 1']);
  });

  it('is undone by a throw: values, observations, what was published and what was staged', () => {
    graph.observe(label, 'shop');
    graph.observe(sign, 'b');
    put('a', 'shop', 1);
    graph.pass();
    put('a', 'shop', -1);
    const stop = (): void => {
      graph.observe(label, 'cart');
      graph.unobserve(sign, 'b');
      expect(graph.read(label, 'shop')).toBe('shop=-1');
      put('b', 'cart', 1);
      throw new Error('stop');
    };
    expect(() => graph.pass({ expand: stop })).toThrow('stop');
    expect([graph.read(label, 'shop'), graph.input(route, 'a')?.weight]).toEqual(['shop=1', 1]);
    expect(graph.index(routesByService, 'cart')).toEqual([]);
    const next = graph.pass();
    expect([next.pass, changes(next.changed)]).toEqual([2, ['label shop: shop=-1', 'sign b: 1']]);
    expect(() => graph.unobserve(label, 'cart')).toThrow('not observed');
  });

  it('is undone when an index refuses an input, and goes through once the input is mended', () => {
    const strict = defineIndex({
      name: 'strict',
      of: route,
      keysOf: (_, { weight }) => {
        if (weight < 0) throw new Error('negative');
        return [String(weight)];
      },
    });
    expect(graph.index(strict, '1')).toEqual([]);
    put('a', 'shop', -1);
    put('b', 'shop', 1);
    expect(() => graph.pass()).toThrow(GraphFault);
    expect(graph.index(strict, '1')).toEqual([]);
    put('a', 'shop', 1);
    graph.pass();
    expect(graph.index(strict, '1')).toEqual(['a', 'b']);
  });

  it('cannot hold another pass or a sweep', () => {
    graph.observe(label, 'shop');
    expect(() => graph.pass({ expand: () => void graph.pass() })).toThrow(GraphFault);
    expect(() => graph.pass({ expand: () => void graph.sweep() })).toThrow(GraphFault);
  });
});

describe('indexes', () => {
  it('list their members in code-unit order, whatever the order of arrival', () => {
    for (const key of ['b', 'ä', 'Z', 'a', '10', '9']) put(key, 'shop', 1);
    graph.pass();
    put('c', 'shop', 1);
    graph.remove(route, 'Z');
    graph.pass();
    expect(graph.index(routesByService, 'shop')).toEqual(['10', '9', 'a', 'b', 'c', 'ä']);
  });

  it('count a key that an input gives twice once', () => {
    const twice = defineIndex({ name: 'twice', of: route, keysOf: (_, { service }) => [service, service] });
    graph.index(twice, 'shop');
    put('a', 'shop', 1);
    graph.pass();
    expect(graph.index(twice, 'shop')).toEqual(['a']);
  });

  it('are built from the inputs there are when they are first read', () => {
    put('a', 'shop', 1);
    graph.pass();
    expect(graph.index(routesByService, 'shop')).toEqual(['a']);
  });

  it('are cells by key: a member of another key dirties nothing', () => {
    graph.observe(total, 'shop');
    put('a', 'shop', 1);
    graph.pass();
    put('b', 'cart', 1);
    expect(runs(pass)).toBe(0);
  });
});

describe('counters: a change runs exactly', () => {
  beforeEach(() => {
    graph.observe(label, 'shop');
    graph.observe(label, 'cart');
    put('a', 'shop', 1);
    put('b', 'shop', 1);
    put('c', 'cart', 1);
    graph.pass();
  });

  it.each([
    ['nothing, when the hash is equal', () => put('a', 'shop', 1), 0],
    ['the one query that reads it, when that gives an equal hash', () => put('a', 'shop', 7), 1],
    ['the queries up to the observed cell, when values change', () => put('a', 'shop', -7), 3],
    ['one total and label a service, when a member moves', () => put('a', 'cart', 1), 5],
    ['nothing, when an input nobody reads is set', () => put('z', 'other', 1), 0],
    [
      'nothing, when set and set back before the pass',
      () => {
        put('a', 'shop', -7);
        put('a', 'shop', 1);
      },
      0,
    ],
  ])('%s', (_, change, expected) => {
    change();
    expect(runs(pass)).toBe(expected);
  });

  it('nothing for what is not observed, until it is read, and then once', () => {
    graph.unobserve(label, 'shop');
    put('a', 'shop', -7);
    expect(runs(pass)).toBe(0);
    expect(runs(() => graph.read(label, 'shop'))).toBe(3);
    expect(runs(() => graph.read(label, 'shop'))).toBe(0);
  });

  it('walks edges in proportion to the change', () => {
    for (let i = 0; i < 1000; i += 1) {
      put(`x${i}`, `s${i}`, 1);
      graph.observe(label, `s${i}`);
    }
    graph.pass();
    const before = graph.counters;
    put('x7', 's7', -1);
    graph.pass();
    expect(graph.counters.edges - before.edges).toBeLessThan(20);
    expect(graph.counters.verified - before.verified).toBe(3);
  });
});

describe('errors are values', () => {
  const picky = defineQuery({
    name: 'picky',
    run: (ctx, key) => {
      const { weight } = ctx.input(route, key) ?? { weight: 0 };
      if (weight < 0) throw new Error('negative');
      return weight;
    },
  });
  const outer = defineQuery({ name: 'outer', run: (ctx, key) => ctx.get(picky, key) });
  const calm = defineQuery({
    name: 'calm',
    run: (ctx, key) => {
      const outcome = ctx.tryGet(outer, key);
      return outcome.ok ? outcome.value : outcome.error.cell.kind;
    },
  });

  it('dependents get the first failure with the cell it came from, and may decide', () => {
    put('a', 'shop', -1);
    graph.observe(outer, 'a');
    graph.observe(calm, 'a');
    expect(pass()).toEqual(['calm a: picky', 'outer a: picky a: negative']);
    expect(() => graph.read(outer, 'a')).toThrow(QueryError);
    put('a', 'shop', -2);
    expect(pass()).toEqual([]);
    put('a', 'shop', 3);
    expect(pass()).toEqual(['calm a: 3', 'outer a: 3']);
  });

  it('a value that cannot be hashed is a failure of its cell', () => {
    const map = defineQuery({ name: 'map', run: () => new Map() });
    const hashed = defineQuery({ name: 'hashed', run: () => new Map([[1, 2]]), hash: (m) => String(m.size) });
    expect(graph.tryRead(map, 'a').ok).toBe(false);
    expect(graph.read(hashed, 'a').get(1)).toBe(2);
  });

  it('undefined is a value', () => {
    const none = defineQuery({ name: 'none', run: (): string | undefined => undefined });
    expect(graph.tryRead(none, 'a')).toEqual({ ok: true, value: undefined });
  });

  it('a query that reaches around its context is a fault, not a value', () => {
    const rogue = defineQuery({ name: 'rogue', run: () => graph.read(label, 'shop') });
    const swallows = defineQuery({
      name: 'swallows',
      run: (ctx) => {
        try {
          return ctx.get(rogue, 'a');
        } catch {
          return 'calm';
        }
      },
    });
    const late = defineQuery({ name: 'late', run: (ctx) => () => ctx.input(route, 'a'), hash: () => '' });
    expect(() => graph.tryRead(rogue, 'a')).toThrow(GraphFault);
    expect(() => graph.tryRead(swallows, 'a')).toThrow(GraphFault);
    expect(() => graph.read(late, 'a')()).toThrow(GraphFault);
    expect(graph.read(label, 'shop')).toBe('shop=0');
  });
});

describe('cycles', () => {
  const next = defineInput<string>('next');
  const follow: QueryKind<string> = defineQuery({
    name: 'follow',
    run: (ctx, key) => {
      const to = ctx.input(next, key);
      if (to === undefined) return key;
      const outcome = ctx.tryGet(follow, to);
      return outcome.ok ? outcome.value : 'caught';
    },
  });
  const link = (...keys: string[]): void => {
    for (const [i, key] of keys.entries()) graph.set(next, key, keys[i + 1] ?? keys[0] ?? key);
    graph.pass();
  };

  it.each(['a', 'b', 'c'])(
    'are refused by the same sorted path when entered at %s, whatever queries catch',
    (entry) => {
      link('c', 'a', 'b');
      graph.tryRead(follow, entry);
      for (const key of ['a', 'b', 'c']) {
        const outcome = graph.tryRead(follow, key);
        const cause = outcome.ok ? undefined : outcome.error.cause;
        expect(cause).toBeInstanceOf(CycleError);
        expect((cause as CycleError).path.map((cell) => cell.key)).toEqual(['a', 'b', 'c']);
      }
    },
  );

  it('are a failure for readers outside, who may decide', () => {
    link('a', 'b');
    graph.set(next, 'x', 'a');
    graph.pass();
    expect(graph.read(follow, 'x')).toBe('caught');
  });

  it('open and close with the inputs', () => {
    link('a', 'b', 'c');
    for (const key of ['a', 'b', 'c']) graph.observe(follow, key);
    graph.pass();
    graph.remove(next, 'b');
    expect(pass()).toEqual(['follow a: b', 'follow b: b', 'follow c: b']);
    graph.set(next, 'b', 'c');
    expect(pass()).toHaveLength(3);
    graph.set(next, 'b', 'b');
    expect(pass().filter((line) => line.includes('caught'))).toEqual(['follow a: caught', 'follow c: caught']);
  });

  it('longer than the native stack are refused too', () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `n${String(i).padStart(5, '0')}`);
    link(...keys);
    for (const entry of ['n00042', 'n00999']) {
      const outcome = graph.tryRead(follow, entry);
      const cause = outcome.ok ? undefined : outcome.error.cause;
      expect((cause as CycleError).path.map((cell) => cell.key)).toEqual(keys);
    }
  });

  it('chains of 4,000 reads overflow no stack, when first built, when changed and when explained', () => {
    const keys = Array.from({ length: 4_000 }, (_, i) => `n${i}`);
    for (const [i, key] of keys.entries()) graph.set(next, key, keys[i + 1] ?? 'end');
    graph.observe(follow, 'n0');
    expect(pass()).toEqual(['follow n0: end']);
    graph.set(next, 'end', 'other');
    expect(pass()).toEqual(['follow n0: other']);
    let depth = 0;
    for (let node: Dependency | undefined = graph.explain(follow, 'n0'); node; node = node.dependencies[1]) depth += 1;
    expect(depth).toBe(4_002);
  });
});

describe('explain and dependentsOf', () => {
  beforeEach(() => {
    put('a', 'shop', 1);
    put('b', 'shop', 1);
    graph.observe(label, 'shop');
    graph.observe(label, 'cart');
    graph.pass();
  });

  const outline = (node: Dependency, indent = ''): string[] => [
    `${indent}${node.type} ${node.kind} ${node.key}${node.repeated ? ' (repeated)' : ''}`,
    ...node.dependencies.flatMap((child) => outline(child, `${indent}  `)),
  ];

  it('explain shows the recorded reads, down to inputs, each cell expanded once', () => {
    const twice = defineQuery({ name: 'twice', run: (ctx, key) => ctx.get(label, key) + ctx.get(total, key) });
    expect(outline(graph.explain(twice, 'shop'))).toEqual([
      'query twice shop',
      '  query label shop',
      '    query total shop',
      '      index routesByService shop',
      '      query sign a',
      '        input route a',
      '      query sign b',
      '        input route b',
      '  query total shop (repeated)',
    ]);
  });

  it('dependentsOf bounds what an input touches, through indexes too', () => {
    const names = graph.dependentsOf(route, 'a').map(({ kind, key }) => `${kind} ${key}`);
    expect(names).toEqual(['label shop']);
    expect(graph.dependentsOf(route, 'unknown')).toEqual([]);
  });
});

describe('sweep', () => {
  it('drops what is neither observed nor read by what is, and keeps values right afterwards', () => {
    put('a', 'shop', 1);
    graph.observe(label, 'shop');
    graph.pass();
    const size = graph.size;
    for (let i = 0; i < 50; i += 1) graph.read(label, `absent${i}`);
    expect(graph.sweep()).toBe(150);
    expect(graph.size).toBe(size);
    expect(runs(() => graph.read(label, 'shop'))).toBe(0);
    graph.unobserve(label, 'shop');
    graph.sweep();
    // The input and its index key are data, not memory of queries.
    expect(graph.size).toBe(2);
    put('a', 'shop', -1);
    graph.pass();
    expect(graph.read(label, 'shop')).toBe('shop=-1');
  });
});

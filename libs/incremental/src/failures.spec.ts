import { beforeEach, describe, expect, it } from 'vitest';
import { defineInput, defineQuery } from './define.js';
import { Graph } from './graph.js';
import { label, lines, route } from './routes.fixture.js';
import { CycleError, type Dependency, GraphFault, QueryError, type QueryKind } from './types.js';

let graph: Graph;
beforeEach(() => {
  graph = new Graph();
});

const put = (key: string, service: string, weight: number): void => graph.set(route, key, { service, weight });
const pass = (): string[] => lines(graph.pass().changed);

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

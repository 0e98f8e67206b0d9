import { beforeEach, describe, expect, it } from 'vitest';
import { defineIndex, defineInput, defineQuery } from './define.js';
import { Graph } from './graph.js';
import { label, lines, route, routesByService, runsOf, sign, total } from './routes.fixture.js';
import { GraphFault } from './types.js';

let graph: Graph;
beforeEach(() => {
  graph = new Graph();
});

const put = (key: string, service: string, weight: number): void => graph.set(route, key, { service, weight });
const pass = (): string[] => lines(graph.pass().changed);
const runs = (action: () => unknown): number => runsOf(graph, action);

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

describe('a cell that lists others', () => {
  const listed = defineQuery({
    name: 'listed',
    run: (ctx, service) => {
      const routes = ctx.index(routesByService, service);
      if (routes.length > 3) throw new Error('too many');
      return routes;
    },
    lists: (routes, add) => {
      for (const key of routes) add(sign, key);
    },
  });

  it('has them observed exactly as long as it is observed and lists them', () => {
    graph.observe(listed, 'shop');
    put('a', 'shop', 1);
    put('b', 'shop', -1);
    expect(pass()).toEqual(['listed shop: a,b', 'sign a: 1', 'sign b: -1']);
    graph.remove(route, 'a');
    put('c', 'shop', 4);
    const next = graph.pass();
    expect([lines(next.changed), next.gone]).toEqual([['listed shop: b,c', 'sign c: 1'], [{ kind: 'sign', key: 'a' }]]);
    graph.unobserve(listed, 'shop');
    expect(graph.pass()).toMatchObject({ changed: [], gone: { length: 3 } });
    expect(graph.sweep()).toBe(5);
  });

  it('does not compute what it gives up', () => {
    graph.observe(listed, 'shop');
    put('a', 'shop', 1);
    pass();
    put('a', 'cart', 3);
    expect(runs(pass)).toBe(1);
  });

  it('goes on with the list it had when it fails', () => {
    graph.observe(listed, 'shop');
    put('a', 'shop', 1);
    pass();
    for (const key of ['b', 'c', 'd']) put(key, 'shop', 1);
    put('a', 'shop', -1);
    expect(pass()).toEqual(['listed shop: listed shop: too many', 'sign a: -1']);
  });
});

describe('a pass', () => {
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

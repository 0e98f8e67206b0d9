import { beforeEach, describe, expect, it } from 'vitest';
import { defineQuery } from './define.js';
import { Graph } from './graph.js';
import { label, route, runsOf, total } from './routes.fixture.js';
import type { Dependency } from './types.js';

let graph: Graph;
beforeEach(() => {
  graph = new Graph();
});

const put = (key: string, service: string, weight: number): void => graph.set(route, key, { service, weight });
const runs = (action: () => unknown): number => runsOf(graph, action);

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
    graph.pass();
    graph.sweep();
    // The input and its index key are data, not memory of queries.
    expect(graph.size).toBe(2);
    put('a', 'shop', -1);
    graph.pass();
    expect(graph.read(label, 'shop')).toBe('shop=-1');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { defineIndex, defineInput, defineQuery, override } from './define.js';
import { Graph } from './graph.js';

const price = defineInput<number>('price');
const offer = defineInput<{ readonly of: string; readonly less: number }>('offer');
const offersOf = defineIndex({ name: 'offersOf', of: offer, keysOf: (_, { of }) => [of] });
const rounded = defineQuery({ name: 'rounded', run: (ctx, key) => Math.round(ctx.input(price, key) ?? 0) });
const total = defineQuery({
  name: 'total',
  run: (ctx, key) =>
    ctx.index(offersOf, key).reduce((sum, o) => sum - (ctx.input(offer, o)?.less ?? 0), ctx.get(rounded, key)),
});

let graph: Graph;
beforeEach(() => {
  graph = new Graph();
  graph.set(price, 'tea', 5.2);
  graph.set(offer, 'spring', { of: 'tea', less: 1 });
  graph.set(offer, 'other', { of: 'coffee', less: 1 });
  graph.observe(total, 'tea');
  graph.pass();
});

const readsOf = (key: string, less: number) => {
  const fork = graph.fork([override(offer, key, { of: 'tea', less })]);
  fork.changes();
  return fork.reads([total]);
};

describe('what a fork reads outside of itself', () => {
  it('is shared values, inputs that are not overridden, and index keys as the parent has them', () => {
    expect(readsOf('mine', 2).map(({ type, kind, key, members }) => [type, kind, key, members])).toEqual([
      ['input', 'offer', 'spring', []],
      ['index', 'offersOf', 'tea', ['spring']],
      ['query', 'rounded', 'tea', []],
    ]);
  });

  it('is the same after changes that reach none of it, and another after one that does', () => {
    const before = readsOf('spring', 2);
    graph.set(price, 'tea', 5.3);
    graph.set(offer, 'other', { of: 'coffee', less: 3 });
    graph.pass();
    expect(readsOf('spring', 2)).toEqual(before);
    graph.set(price, 'tea', 9);
    graph.pass();
    expect(readsOf('spring', 2)).not.toEqual(before);
  });

  it('names the inputs behind a shared value', () => {
    expect(graph.inputsOf({ kind: 'total', key: 'tea' })).toEqual([
      { kind: 'offer', key: 'spring' },
      { kind: 'price', key: 'tea' },
    ]);
    expect(graph.inputsOf({ kind: 'total', key: 'tea' }, () => true)).toHaveLength(2);
    expect(graph.inputsOf({ kind: 'nothing', key: 'tea' })).toEqual([]);
  });
});

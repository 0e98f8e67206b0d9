import { beforeEach, describe, expect, it } from 'vitest';
import { defineIndex, defineInput, defineQuery, override } from './define.js';
import { Graph } from './graph.js';
import { GraphFault, type QueryKind } from './types.js';

const policy = defineInput<{ readonly target: string; readonly ms: number }>('policy');
const policiesByTarget = defineIndex({ name: 'policiesByTarget', of: policy, keysOf: (_, { target }) => [target] });
const timeout = defineQuery({
  name: 'timeout',
  run: (ctx, service) =>
    Math.min(10, ...ctx.index(policiesByTarget, service).map((key) => ctx.input(policy, key)?.ms ?? 10)),
});
const cluster = defineQuery({ name: 'cluster', run: (ctx, service) => `${service} ${ctx.get(timeout, service)}ms` });
const SERVICES = Array.from({ length: 100 }, (_, i) => `s${i}`);

let graph: Graph;
beforeEach(() => {
  graph = new Graph();
  for (const service of SERVICES) {
    graph.set(policy, `p-${service}`, { target: service, ms: 5 });
    graph.observe(cluster, service);
  }
  graph.pass();
});

const changing = (key: string, value: { readonly target: string; readonly ms: number } | undefined) =>
  graph.fork([override(policy, key, value)]);

describe('a fork', () => {
  it('sees its overrides while the parent does not', () => {
    const fork = changing('p-s1', { target: 's1', ms: 2 });
    expect([fork.read(cluster, 's1'), graph.read(cluster, 's1')]).toEqual(['s1 2ms', 's1 5ms']);
    expect([fork.input(policy, 'p-s1')?.ms, graph.input(policy, 'p-s1')?.ms]).toEqual([2, 5]);
    expect([fork.diverged(cluster, 's1'), fork.diverged(cluster, 's2')]).toEqual([true, false]);
  });

  it('removes, adds and moves inputs, indexes following', () => {
    const fork = graph.fork([
      override(policy, 'p-s1', undefined),
      override(policy, 'p-s2', { target: 's3', ms: 1 }),
      override(policy, 'new', { target: 's4', ms: 3 }),
    ]);
    expect(fork.changes().changed.map(({ value }) => value)).toEqual(['s1 10ms', 's2 10ms', 's3 1ms', 's4 3ms']);
    expect(fork.index(policiesByTarget, 's3')).toEqual(['p-s2', 'p-s3']);
    expect(graph.index(policiesByTarget, 's3')).toEqual(['p-s3']);
  });

  it('runs what reads an overridden input and nothing else, and nothing in the parent', () => {
    const before = graph.counters.run;
    const fork = changing('p-s1', { target: 's1', ms: 2 });
    for (const service of SERVICES) fork.read(cluster, service);
    expect([fork.counters.run, graph.counters.run - before]).toEqual([2, 0]);
  });

  it('cuts off: an override that changes no value of a query runs no reader of it', () => {
    const fork = changing('extra', { target: 's1', ms: 9 });
    expect(fork.read(cluster, 's1')).toBe('s1 5ms');
    expect([fork.counters.run, fork.diverged(cluster, 's1'), fork.changes()]).toEqual([
      1,
      false,
      { changed: [], gone: [] },
    ]);
  });

  it('an override with an equal hash is none', () => {
    const fork = changing('p-s1', { target: 's1', ms: 5 });
    fork.read(cluster, 's1');
    expect(fork.counters.run).toBe(0);
  });

  it('does not see what is only staged in the parent', () => {
    graph.set(policy, 'p-s1', { target: 's1', ms: 1 });
    expect(changing('p-s2', undefined).read(cluster, 's1')).toBe('s1 5ms');
  });

  it('keeps keys that only it has read to itself', () => {
    const size = graph.size;
    const fork = changing('p-new', { target: 'new', ms: 4 });
    expect(fork.read(cluster, 'new')).toBe('new 4ms');
    expect(graph.size).toBe(size);
    expect(fork.diverged(cluster, 'new')).toBe(true);
  });

  it('holds the failures of queries as values of its own', () => {
    const strict = defineQuery({
      name: 'strict',
      run: (ctx, key) => {
        if (ctx.get(timeout, key) < 3) throw new Error('too short');
        return 'fine';
      },
    });
    graph.observe(strict, 's1');
    graph.pass();
    const fork = changing('p-s1', { target: 's1', ms: 1 });
    expect(fork.tryRead(strict, 's1').ok).toBe(false);
    expect(fork.changes().changed.map(({ kind, error }) => [kind, error?.message])).toEqual([
      ['cluster', undefined],
      ['strict', 'strict s1: too short'],
    ]);
  });

  it('meets the same cycle as the parent when it enters by a key that the parent has not read', () => {
    const ring: QueryKind<string> = defineQuery({
      name: 'ring',
      run: (ctx, key) => {
        const outcome = ctx.tryGet(ring, key === 'a' ? 'b' : 'a');
        return outcome.ok ? outcome.value : 'caught';
      },
    });
    graph.observe(ring, 'a');
    const fork = graph.fork([]);
    const outcome = fork.tryRead(ring, 'b');
    expect(outcome).toEqual(graph.tryRead(ring, 'b'));
    expect(outcome.ok).toBe(false);
  });

  it('is pinned: it and what it shows of before are those of its moment, whatever passes change', () => {
    const fork = changing('p-s1', { target: 's1', ms: 2 });
    graph.set(policy, 'p-s2', { target: 's2', ms: 1 });
    graph.remove(policy, 'p-s3');
    graph.observe(timeout, 's9');
    graph.pass();
    graph.set(policy, 'p-s1', { target: 's1', ms: 3 });
    graph.pass();
    expect(graph.read(cluster, 's1')).toBe('s1 3ms');
    expect(fork.changes()).toMatchObject({ changed: [{ kind: 'cluster', key: 's1', value: 's1 2ms' }], gone: [] });
    expect([fork.read(cluster, 's2'), fork.diverged(cluster, 's2')]).toEqual(['s2 5ms', false]);
    const { before } = fork;
    expect([before.read(cluster, 's1'), before.input(policy, 'p-s3')?.ms]).toEqual(['s1 5ms', 5]);
    expect(before.index(policiesByTarget, 's3')).toEqual(['p-s3']);
    expect(fork.sibling([]).changes()).toEqual({ changed: [], gone: [] });
  });

  it('ends with a sweep that drops something, for which sweeps in slices wait while it is held', () => {
    const fork = changing('p-s1', undefined);
    graph.read(timeout, 'unused');
    const rounds = (): void => {
      for (let round = 0; round < 3; round += 1) graph.sweepSlice({ exhausted: () => false });
    };
    fork.hold();
    rounds();
    expect(fork.read(cluster, 's1')).toBe('s1 10ms');
    fork.release();
    rounds();
    expect(() => fork.read(cluster, 's1')).toThrow(GraphFault);
    expect(() => fork.before.input(policy, 'p-s2')).toThrow(GraphFault);
    const other = changing('p-s1', undefined);
    graph.sweep();
    expect(() => other.changes()).toThrow(GraphFault);
  });
});

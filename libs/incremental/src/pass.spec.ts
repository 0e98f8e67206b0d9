import { beforeEach, describe, expect, it } from 'vitest';
import { defineIndex, defineQuery } from './define.js';
import { Graph } from './graph.js';
import { label, lines, route } from './routes.fixture.js';
import { GraphFault, type PassBudget } from './types.js';

const SERVICES = 300;
/** Reads every label: one query over many. */
const all = defineQuery({
  name: 'all',
  run: (ctx, key) => ctx.get(label, key) + Array.from({ length: SERVICES }, (_, i) => ctx.get(label, `s${i}`)).join(),
});

let graph: Graph;
const put = (key: string, service: string, weight: number): void => graph.set(route, key, { service, weight });
beforeEach(() => {
  graph = new Graph();
  for (let i = 0; i < SERVICES; i += 1) {
    put(`r${i}`, `s${i}`, 1);
    graph.observe(label, `s${i}`);
  }
  graph.pass();
});

/** A slice that is over after so many looks. */
const slice = (looks: number, grain = 32): PassBudget => {
  let left = looks;
  return { grain, exhausted: () => --left < 0 };
};

/** Steps to the end. @returns queries run by each slice */
function slices(pass: ReturnType<Graph['begin']>, budget: () => PassBudget, between = (): void => {}): number[] {
  const run: number[] = [];
  for (let done = false; !done; ) {
    const before = graph.counters.run;
    done = pass.step(budget());
    run.push(graph.counters.run - before);
    between();
  }
  return run;
}

const change = (): void => {
  for (let i = 0; i < SERVICES; i += 1) put(`r${i}`, `s${i}`, -1);
};

describe('a pass in slices', () => {
  it('runs a few queries a slice, shows nothing before it is adopted, and then everything', () => {
    change();
    const pass = graph.begin();
    const run = slices(pass, () => slice(1));
    expect(Math.max(...run)).toBeLessThanOrEqual(6);
    expect(run.reduce((sum, one) => sum + one)).toBe(3 * SERVICES);
    expect(graph.read(label, 's7')).toBe('s7=1');
    expect(pass.adopt().changed).toHaveLength(SERVICES);
    expect(graph.read(label, 's7')).toBe('s7=-1');
  });

  it('also when one query reads them all, at the cost of running that one again in some slices', () => {
    graph = new Graph();
    for (let i = 0; i < SERVICES; i += 1) put(`r${i}`, `s${i}`, 1);
    graph.observe(all, 's0');
    const pass = graph.begin();
    const run = slices(pass, () => slice(0));
    expect(Math.max(...run)).toBeLessThanOrEqual(40);
    expect(run.reduce((sum, one) => sum + one)).toBeLessThan(3 * SERVICES + 60);
    expect(pass.adopt().changed).toHaveLength(1);
  });

  it('is overtaken by passes between its slices, which see none of it and end up in it', () => {
    change();
    const pass = graph.begin();
    const seen: string[][] = [];
    slices(
      pass,
      () => slice(10),
      () => {
        if (seen.length > 2) return;
        put(`r${seen.length}`, `s${seen.length}`, 0);
        seen.push(lines(graph.pass().changed));
      },
    );
    expect(seen).toEqual([['label s0: s0=0'], ['label s1: s1=0'], ['label s2: s2=0']]);
    const changed = lines(pass.adopt().changed);
    expect(changed).toHaveLength(SERVICES - 3);
    expect(graph.read(label, 's1')).toBe('s1=0');
  });

  it('recomputes only what was overtaken', () => {
    change();
    const pass = graph.begin();
    slices(pass, () => slice(1_000_000));
    put('r5', 's5', 0);
    graph.pass();
    const before = graph.counters.run;
    pass.adopt();
    expect(graph.counters.run - before).toBe(3);
  });

  it('that is abandoned has not been, and what it had taken over waits below what was set since', () => {
    change();
    graph.observe(label, 'new');
    const pass = graph.begin();
    pass.step(slice(3));
    put('r1', 's1', 0);
    graph.pass();
    put('r2', 's2', 0);
    pass.abandon();
    expect([1, 2, 3].map((i) => graph.read(label, `s${i}`))).toEqual(['s1=0', 's2=1', 's3=1']);
    expect(graph.pass().changed).toHaveLength(SERVICES);
    expect([1, 2, 3].map((i) => graph.read(label, `s${i}`))).toEqual(['s1=0', 's2=0', 's3=-1']);
    expect(() => pass.step()).toThrow(GraphFault);
  });

  it('is one at a time, and lets nothing be swept', () => {
    const pass = graph.begin();
    expect(() => graph.begin()).toThrow(GraphFault);
    expect(() => graph.sweep()).toThrow(GraphFault);
    expect(graph.sweepSlice(slice(1_000))).toBe(false);
    pass.adopt();
    graph.begin().abandon();
  });

  it('takes back an observation that only it knows of', () => {
    graph.observe(label, 'new');
    const pass = graph.begin();
    graph.unobserve(label, 'new');
    expect(() => graph.unobserve(label, 'new')).toThrow('not observed');
    expect(pass.adopt().changed).toEqual([]);
  });

  it('is abandoned by what an ordinary pass is undone by', () => {
    const strict = defineIndex({
      name: 'strict',
      of: route,
      keysOf: (_, { weight }) => {
        if (weight < 0) throw new Error('negative');
        return [];
      },
    });
    graph.index(strict, '');
    change();
    expect(() => graph.begin()).toThrow(GraphFault);
    for (let i = 0; i < SERVICES; i += 1) put(`r${i}`, `s${i}`, 1);
    expect(graph.begin().adopt().changed).toEqual([]);
  });
});

describe('a sweep in slices', () => {
  it('drops what was idle for two rounds, and what only that has read, with passes in between', () => {
    const size = graph.size;
    for (let i = 0; i < 50; i += 1) graph.read(label, `absent${i}`);
    const rounds = [0, 0, 0].map((_, round) => {
      while (!graph.sweepSlice(slice(0))) graph.pass();
      put('r0', 's0', round);
      return graph.size - size;
    });
    expect(rounds).toEqual([150, 0, 0]);
    expect(graph.read(label, 's0')).toBe('s0=1');
  });

  it('keeps what is observed, and what came back in time', () => {
    graph.unobserve(label, 's1');
    graph.unobserve(label, 's2');
    graph.pass();
    while (!graph.sweepSlice(slice(9)));
    graph.observe(label, 's1');
    graph.pass();
    while (!graph.sweepSlice(slice(9)));
    const before = graph.counters.run;
    graph.read(label, 's1');
    expect(graph.counters.run - before).toBe(0);
    graph.read(label, 's2');
    expect(graph.counters.run - before).toBe(3);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { Graph } from './graph.js';
import { label, lines, route, runsOf } from './routes.fixture.js';

let graph: Graph;
beforeEach(() => {
  graph = new Graph();
});

const put = (key: string, service: string, weight: number): void => graph.set(route, key, { service, weight });
const pass = (): string[] => lines(graph.pass().changed);
const runs = (action: () => unknown): number => runsOf(graph, action);

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

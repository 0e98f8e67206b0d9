import { strictEqual } from 'node:assert';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Graph } from './graph.js';
import { type Action, action, inputId, NODES, nodeId } from './random-actions.fixture.js';
import { type Program, plainly, type Step, show, type World, world } from './random-graph.fixture.js';
import { type Inputs, type Oracle, Run } from './random-run.fixture.js';
import type { AnyQuery, Outcome, QueryKind } from './types.js';

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ op: fc.constant('input' as const), key: inputId }),
  fc.record({ op: fc.constant('members' as const), key: fc.nat(2) }),
  fc.record({ op: fc.constant('node' as const), key: nodeId }),
  fc.record({ op: fc.constant('try' as const), key: nodeId }),
  fc.record({ op: fc.constant('branch' as const), on: inputId, even: nodeId, odd: nodeId }),
  fc.record({ op: fc.constant('failIf' as const), key: inputId }),
);
const programs: fc.Arbitrary<Program> = fc.array(fc.array(step, { maxLength: 4 }), {
  minLength: NODES,
  maxLength: NODES,
});
const actions = fc.array(action, { minLength: 5, maxLength: 50 });
const ALL = Array.from({ length: NODES }, (_, node) => String(node));
const RUNS = { numRuns: Number(process.env['SCRATCH_RUNS'] ?? 150) };

/** A new graph with these inputs, set in the given order. */
function built(kinds: World, inputs: Iterable<readonly [string, number]>): Graph {
  const graph = new Graph();
  for (const [key, value] of inputs) graph.set(kinds.number, key, value);
  graph.pass();
  return graph;
}

function drive(kinds: World, oracle: Oracle, steps: readonly Action[]): void {
  const run = new Run(kinds, oracle);
  for (const step of steps) run.act(step);
  run.finish();
}

describe('the state of a graph equals a build from scratch, with passes in slices that are adopted, overtaken or abandoned', () => {
  it('by plain recursion, for acyclic queries whose reads depend on what they read', () => {
    const check = (): void =>
      fc.assert(
        fc.property(programs, actions, (program, steps) => {
          const kinds = world(program, true);
          drive(kinds, (inputs, query, key) => plainly(kinds, inputs, query, key), steps);
        }),
        RUNS,
      );
    expect(check).not.toThrow();
  });

  it('by a new graph, when queries may also read in cycles', () => {
    const check = (): void =>
      fc.assert(
        fc.property(programs, actions, (program, steps) => {
          const kinds = world(program, false);
          const oracle = (inputs: Inputs, query: AnyQuery, key: string): Outcome<unknown> =>
            built(kinds, inputs).tryRead(query as QueryKind<unknown>, key);
          drive(kinds, oracle, steps);
        }),
        { numRuns: RUNS.numRuns / 2 },
      );
    expect(check).not.toThrow();
  });

  it('whatever the order of insertion and of the reads, cycles included', () => {
    const values = fc.dictionary(fc.constantFrom('0', '1', '2', '3', '4', '5'), fc.nat(5));
    const inputs = values.chain((all) => fc.tuple(fc.constant(Object.entries(all)), shuffled(Object.entries(all))));
    const check = (): void =>
      fc.assert(
        fc.property(programs, inputs, shuffled(ALL), (program, [one, other], order) => {
          const kinds = world(program, false);
          const [first, second] = [built(kinds, one), built(kinds, other)];
          for (const node of ALL) first.tryRead(kinds.node, node);
          for (const node of order) {
            strictEqual(show(second.tryRead(kinds.node, node)), show(first.tryRead(kinds.node, node)));
          }
        }),
        RUNS,
      );
    expect(check).not.toThrow();
  });
});

function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

import { deepStrictEqual, notStrictEqual, strictEqual, throws } from 'node:assert';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineQuery, override } from './define.js';
import { Graph } from './graph.js';
import { type Program, plainly, type Step, show, type World, world } from './random-graph.fixture.js';

const NODES = 9;
const INPUTS = 6;
const nodeId = fc.nat(NODES - 1);
const inputId = fc.nat(INPUTS - 1);
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
/** A new value, or none. */
const write = fc.tuple(inputId, fc.option(fc.nat(5), { nil: undefined }));
const writes = fc.array(write, { maxLength: 4 });
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), write }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('undonePass' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), node: nodeId }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('observe' as const), node: nodeId }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unobserve' as const), node: nodeId }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fork' as const), writes, reads: fc.array(nodeId) }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;
const actions = fc.array(action, { minLength: 5, maxLength: 40 });
const ALL = Array.from({ length: NODES }, (_, node) => String(node));
const RUNS = { numRuns: 150 };

type Inputs = Map<string, number>;

/** Observed with a new key, it makes sure that a pass has something to report. */
const probe = defineQuery({ name: 'probe', run: (_, key) => key });

function put(inputs: Inputs, [key, value]: readonly [number, number | undefined]): void {
  if (value === undefined) inputs.delete(String(key));
  else inputs.set(String(key), value);
}

/** A new graph with these inputs, set and read in the given order. */
function scratch(
  kinds: World,
  inputs: Iterable<readonly [string, number]>,
  order: readonly string[],
): Map<string, string> {
  const graph = new Graph();
  for (const [key, value] of inputs) graph.set(kinds.number, key, value);
  graph.pass();
  return new Map(order.map((node) => [node, show(graph.tryRead(kinds.node, node))]));
}

/** Drives a graph by random actions and holds what must be true beside it. */
class Run {
  readonly graph = new Graph();
  readonly observed = new Map<string, number>();
  /** What the change sets so far add up to. */
  readonly published = new Map<string, string>();
  staged: Inputs = new Map();
  inputs: Inputs = new Map();
  private probes = 0;

  constructor(
    readonly kinds: World,
    readonly expected: (inputs: Inputs, node: string) => string,
  ) {}

  act(action: Action): void {
    const { graph, kinds } = this;
    switch (action.do) {
      case 'set':
        put(this.staged, action.write);
        if (action.write[1] === undefined) graph.remove(kinds.number, String(action.write[0]));
        else graph.set(kinds.number, String(action.write[0]), action.write[1]);
        return;
      case 'pass':
        this.pass();
        return;
      case 'undonePass':
        this.undonePass();
        return;
      case 'read':
        this.check(String(action.node));
        return;
      case 'observe':
        graph.observe(kinds.node, String(action.node));
        this.observed.set(String(action.node), (this.observed.get(String(action.node)) ?? 0) + 1);
        return;
      case 'unobserve':
        this.unobserve(String(action.node));
        return;
      case 'sweep':
        graph.sweep();
        return;
      case 'fork':
        this.fork(action.writes, action.reads.map(String));
        return;
    }
  }

  check(node: string): void {
    strictEqual(show(this.graph.tryRead(this.kinds.node, node)), this.expected(this.inputs, node));
  }

  private pass(): void {
    this.inputs = new Map(this.staged);
    for (const { key, value, error } of this.graph.pass().changed) {
      const now = show(error ? { ok: false, error } : { ok: true, value });
      notStrictEqual(this.published.get(key), now);
      this.published.set(key, now);
    }
    const wanted = [...this.observed.keys()].map((node) => [node, this.expected(this.inputs, node)] as const);
    deepStrictEqual(this.published, new Map(wanted));
  }

  /** A pass that takes over what is staged, recomputes, observes more, and is then undone. */
  private undonePass(): void {
    const { graph, kinds } = this;
    this.probes += 1;
    graph.observe(probe, String(this.probes));
    const stop = (): void => {
      graph.observe(kinds.node, '1');
      throw new Error('stop');
    };
    throws(() => graph.pass({ expand: stop }), /stop/);
    graph.unobserve(probe, String(this.probes));
  }

  private unobserve(node: string): void {
    const count = this.observed.get(node) ?? 0;
    if (count === 0) return;
    this.graph.unobserve(this.kinds.node, node);
    if (count > 1) this.observed.set(node, count - 1);
    else {
      this.observed.delete(node);
      this.published.delete(node);
    }
  }

  /** Forks and reads in a random order, with reads of the parent, sets, sweeps and an undone pass in between. */
  private fork(changes: readonly (readonly [number, number | undefined])[], reads: readonly string[]): void {
    const { graph, kinds } = this;
    const fork = graph.fork(changes.map(([key, value]) => override(kinds.number, String(key), value)));
    const inputs = new Map(this.inputs);
    for (const change of changes) put(inputs, change);
    reads.forEach((node, turn) => {
      strictEqual(show(fork.tryRead(kinds.node, node)), this.expected(inputs, node));
      if (turn % 3 === 0) this.check(reads.at(-turn) ?? node);
      if (turn % 4 === 1) graph.sweep();
      if (turn === 2) this.undonePass();
      const differs = this.expected(inputs, node) !== this.expected(this.inputs, node);
      strictEqual(fork.diverged(kinds.node, node), differs);
    });
    const blast = [...this.observed.keys()].filter(
      (node) => this.expected(inputs, node) !== this.expected(this.inputs, node),
    );
    deepStrictEqual(
      fork.changes().map(({ key }) => key),
      blast.sort(),
    );
  }
}

function drive(kinds: World, expected: Run['expected'], steps: readonly Action[]): void {
  const run = new Run(kinds, expected);
  for (const action of steps) run.act(action);
  for (const node of ALL) run.check(node);
}

describe('the state of a graph equals a build from scratch', () => {
  it('by plain recursion, for acyclic queries whose reads depend on what they read', () => {
    const check = (): void =>
      fc.assert(
        fc.property(programs, actions, (program, steps) => {
          const kinds = world(program, true);
          drive(kinds, (inputs, node) => plainly(kinds, inputs, node), steps);
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
          drive(kinds, (inputs, node) => scratch(kinds, inputs, [node]).get(node) ?? '', steps);
        }),
        { numRuns: 75 },
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
          const first = scratch(kinds, one, ALL);
          const second = scratch(kinds, other, order);
          for (const node of ALL) strictEqual(second.get(node), first.get(node));
        }),
        RUNS,
      );
    expect(check).not.toThrow();
  });
});

function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

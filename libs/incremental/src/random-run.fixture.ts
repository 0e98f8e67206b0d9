/** Drives a graph by random actions and holds beside it, in plain maps, what must be true. */
import { deepStrictEqual, notStrictEqual, ok, strictEqual, throws } from 'node:assert';
import { override } from './define.js';
import type { Difference } from './evaluation.js';
import type { Fork } from './fork.js';
import { Graph } from './graph.js';
import type { Lane } from './lane.js';
import type { Pass } from './pass.js';
import { type Action, budget, NODES } from './random-actions.fixture.js';
import { boxOf, show, type World } from './random-graph.fixture.js';
import type { AnyQuery, ChangeSet, Outcome, QueryKind } from './types.js';
import { GraphFault } from './types.js';

export type Inputs = ReadonlyMap<string, number>;
/** The value of a cell for these inputs. */
export type Oracle = (inputs: Inputs, query: AnyQuery, key: string) => Outcome<unknown>;

type Published = ReadonlyMap<string, string>;

/** Inputs and how many observe each cell, `n3` or `s1`; or what to change about them. */
interface State {
  readonly inputs: Map<string, number | undefined>;
  readonly observers: Map<string, number>;
}

const empty = (): State => ({ inputs: new Map(), observers: new Map() });

const observe = ({ observers }: State, name: string, by: number): void =>
  void observers.set(name, (observers.get(name) ?? 0) + by);

function plus(base: State, change: State): State {
  const sum = { inputs: new Map([...base.inputs, ...change.inputs]), observers: new Map(base.observers) };
  for (const [name, by] of change.observers) observe(sum, name, by);
  return sum;
}

const present = ({ inputs }: State): Inputs =>
  new Map([...inputs].flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));

type ShortAct = 'set' | 'pass' | 'read' | 'observe' | 'unobserve' | 'sweep' | 'fork';
type HeldAct = 'hold' | 'held' | 'release';

export class Run {
  readonly graph = new Graph();
  /** What the change sets so far add up to. */
  readonly published = new Map<string, string>();
  private base = empty();
  private staged = empty();
  private long: { readonly pass: Pass; state: State; taken: State } | undefined;
  /** A fork that others pass by, with what the graph was, what was published of it, and what the fork supposes. */
  private held: { readonly fork: Fork; readonly base: State; readonly published: Published; state: State } | undefined;
  private lane: { readonly lane: Lane; readonly inputs: State['inputs'] } | undefined;

  constructor(
    readonly kinds: World,
    readonly oracle: Oracle,
  ) {}

  act(action: Action): void {
    switch (action.do) {
      case 'set':
        this.set(...action.write);
        break;
      case 'pass':
        this.pass();
        break;
      case 'read':
        this.check(action.cell);
        break;
      case 'observe':
        this.graph.observe(...this.cell(action.cell));
        observe(this.staged, action.cell, 1);
        break;
      case 'unobserve':
        this.unobserve(action.cell);
        break;
      case 'sweep':
        this.sweep(action.sliced);
        break;
      case 'fork':
        this.fork(action.writes, action.reads);
        break;
      case 'hold':
      case 'held':
      case 'release':
        this.actHeld(action);
        break;
      default:
        this.actLong(action);
    }
  }

  /** At the end: everything is as a build from scratch has it. */
  finish(): void {
    if (this.long) this.adopt();
    this.pass();
    this.checkLane();
    for (let node = 0; node < NODES; node += 1) this.check(`n${node}`);
  }

  private actHeld(action: Extract<Action, { do: HeldAct }>): void {
    if (action.do === 'hold') this.hold(action.writes);
    else if (action.do === 'held') this.checkHeld(action.cell, action.looks);
    else this.release();
  }

  private actLong(action: Exclude<Action, { do: ShortAct | HeldAct }>): void {
    if (action.do === 'lane') this.openLane(action.writes);
    else if (action.do === 'lane step') this.lane?.lane.step(budget(action.looks, action.grain));
    else if (action.do === 'lane check') this.checkLane();
    else if (action.do === 'lane close') this.closeLane();
    else if (action.do === 'begin') this.begin();
    else if (!this.long) return;
    else if (action.do === 'step') this.long.pass.step(budget(action.looks, action.grain));
    else if (action.do === 'adopt') this.adopt();
    else this.abandon(this.long);
  }

  private cell(name: string): [QueryKind<unknown>, string] {
    const kinds: Readonly<Record<string, AnyQuery>> = { s: this.kinds.shelf, b: this.kinds.box };
    return [(kinds[name.charAt(0)] ?? this.kinds.node) as QueryKind<unknown>, name.slice(1)];
  }

  private expected(state: State, name: string): string {
    return show(this.oracle(present(state), ...this.cell(name)));
  }

  private check(name: string): void {
    strictEqual(show(this.graph.tryRead(...this.cell(name))), this.expected(this.base, name));
  }

  private set(input: number, value: number | undefined): void {
    this.staged.inputs.set(String(input), value);
    if (value === undefined) this.graph.remove(this.kinds.number, String(input));
    else this.graph.set(this.kinds.number, String(input), value);
  }

  private begin(): void {
    if (this.long) {
      throws(() => this.graph.begin(), GraphFault);
      return;
    }
    this.long = { pass: this.graph.begin(), state: plus(this.base, this.staged), taken: this.staged };
    this.staged = empty();
  }

  private pass(): void {
    const before = this.base;
    this.base = plus(this.base, this.staged);
    if (this.long) {
      this.long.state = plus(this.long.state, this.staged);
      for (const key of this.staged.inputs.keys()) this.long.taken.inputs.delete(key);
    }
    this.staged = empty();
    this.follow(this.graph.pass(), before);
  }

  private adopt(): void {
    if (!this.long) return;
    const before = this.base;
    const { pass, state } = this.long;
    this.base = state;
    this.long = undefined;
    this.follow(pass.adopt(), before);
    throws(() => pass.adopt(), GraphFault);
  }

  private abandon({ pass, taken }: { readonly pass: Pass; readonly taken: State }): void {
    this.staged = plus(taken, this.staged);
    this.long = undefined;
    pass.abandon();
  }

  /** What is published is what the observed cells are, and changes say no more and no less than what is different. */
  private follow({ changed, gone }: ChangeSet, before: State): void {
    const wanted = this.observed(this.base);
    for (const { kind, key, value, error, isNew } of changed) {
      const name = kind.charAt(0) + key;
      const now = show(error ? { ok: false, error } : { ok: true, value });
      notStrictEqual(this.published.get(name), now);
      strictEqual(isNew, !this.published.has(name));
      this.published.set(name, now);
    }
    for (const { kind, key } of gone) ok(this.published.delete(kind.charAt(0) + key), `${kind} ${key} was published`);
    deepStrictEqual(this.published, wanted, JSON.stringify([...present(before)]));
  }

  /** The observed cells with what they list, directly or not; of boxes only what is in them. */
  private observed(state: State): Map<string, string> {
    const inputs = present(state);
    const found = new Map<string, string>();
    const due = [...state.observers].flatMap(([name, count]) => (count > 0 ? [name] : []));
    for (let name = due.pop(); name !== undefined; name = due.pop()) {
      if (found.has(name)) continue;
      const outcome = this.oracle(inputs, ...this.cell(name));
      found.set(name, show(outcome));
      if (name.startsWith('s')) due.push(`b${boxOf(name.slice(1))}`);
      if (outcome.ok && !name.startsWith('n')) due.push(...(outcome.value as string[]));
    }
    for (const name of found.keys()) if (name.startsWith('b')) found.delete(name);
    return found;
  }

  private unobserve(name: string): void {
    if ((this.base.observers.get(name) ?? 0) + (this.staged.observers.get(name) ?? 0) > 0) {
      observe(this.staged, name, -1);
    } else if (this.long && (this.long.taken.observers.get(name) ?? 0) > 0) {
      // A list may observe it in the base; then the graph takes it back from there, which comes to the same later.
      if (this.published.has(name)) return;
      observe(this.long.taken, name, -1);
      observe(this.long.state, name, -1);
    } else {
      return;
    }
    this.graph.unobserve(...this.cell(name));
  }

  private sweep(sliced: boolean): void {
    if (sliced) this.graph.sweepSlice({ exhausted: () => false });
    else if (this.long || this.lane) throws(() => this.graph.sweep(), GraphFault);
    else {
      this.release();
      this.graph.sweep();
    }
  }

  /** Forks and reads in a random order, with reads of the parent in between. */
  private fork(changes: readonly (readonly [number, number | undefined])[], reads: readonly string[]): void {
    const { graph, kinds } = this;
    const fork = graph.fork(changes.map(([key, value]) => override(kinds.number, String(key), value)));
    const change = { inputs: new Map(changes.map(([key, value]) => [String(key), value])), observers: new Map() };
    const state = plus(this.base, change);
    reads.forEach((name, turn) => {
      strictEqual(show(fork.tryRead(...this.cell(name))), this.expected(state, name));
      if (turn % 3 === 0) this.check(reads.at(-turn) ?? name);
      const differs = this.expected(state, name) !== this.expected(this.base, name);
      strictEqual(fork.diverged(...this.cell(name)), differs);
    });
    this.isDifference(fork.changes(), state);
  }

  private hold(changes: readonly (readonly [number, number | undefined])[]): void {
    if (this.held) return;
    const fork = this.graph.fork(changes.map(([key, value]) => override(this.kinds.number, String(key), value)));
    fork.hold();
    const base = plus(this.base, empty());
    const inputs = new Map(changes.map(([key, value]) => [String(key), value]));
    this.held = { fork, base, published: new Map(this.published), state: plus(base, { ...empty(), inputs }) };
  }

  /** A held fork is what it was, however often the graph has passed it by. */
  private checkHeld(name: string, looks: number): void {
    if (!this.held) return;
    const { fork, base, published, state } = this.held;
    fork.step(budget(looks, 1));
    strictEqual(show(fork.tryRead(...this.cell(name))), this.expected(state, name));
    strictEqual(show(fork.before.tryRead(...this.cell(name))), this.expected(base, name));
    if (looks === 0) this.isDifference(fork.changes(), state, published);
  }

  private release(): void {
    if (!this.held) return;
    this.checkHeld('n0', 0);
    this.held.fork.release();
    this.held = undefined;
  }

  private openLane(changes: readonly (readonly [number, number | undefined])[]): void {
    if (this.lane) return;
    const lane = this.graph.lane(changes.map(([key, value]) => override(this.kinds.number, String(key), value)));
    this.lane = { lane, inputs: new Map(changes.map(([key, value]) => [String(key), value])) };
  }

  /** A lane is what a pass over the present inputs with its own would publish. */
  private checkLane(): void {
    if (!this.lane) return;
    const { lane, inputs } = this.lane;
    this.isDifference(lane.difference(), plus(this.base, { inputs, observers: new Map() }));
  }

  private closeLane(): void {
    if (!this.lane) return;
    const { lane } = this.lane;
    this.lane = undefined;
    lane.close();
    throws(() => lane.step(), GraphFault);
  }

  private isDifference({ changed, gone }: Difference, state: State, published: Published = this.published): void {
    const now = this.observed(state);
    const names = (cells: readonly { kind: string; key: string }[]): string[] =>
      cells.map(({ kind, key }) => kind.charAt(0) + key).sort();
    deepStrictEqual(names(changed), [...now.keys()].filter((name) => now.get(name) !== published.get(name)).sort());
    deepStrictEqual(names(gone), [...published.keys()].filter((name) => !now.has(name)).sort());
  }
}

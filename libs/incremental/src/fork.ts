import { type Content, NOTHING } from './cells.js';
import { type Difference, Evaluation } from './evaluation.js';
import type { Published } from './published.js';
import { frozen, Staged } from './staged.js';
import type { AnyQuery, GraphCounters, IndexKind, InputKind, Outcome, Override, QueryKind } from './types.js';
import { GraphFault } from './types.js';
import { Version } from './version.js';

/** What a fork knows of its parent. */
export interface ForkHost {
  readonly base: Version;
  readonly published: Published;
  /** Whether the parent's inputs are still those of `base`. */
  readonly isCurrent: () => boolean;
  /** Settles a cell in the parent. */
  readonly parent: (query: AnyQuery, key: string) => Content;
}

/**
 * A graph as it would be with other inputs: a version of its own that shares with its parent what it does not change.
 * Costs what the overrides touch.
 *
 * Pinned to the parent's inputs: once a pass of the parent has changed an input, or a sweep has dropped a cell, every
 * method throws `GraphFault`. Other passes and reads leave it valid. Forks do not nest.
 */
export class Fork {
  readonly #host: ForkHost;
  readonly #evaluation: Evaluation;
  readonly #counters = { verified: 0, run: 0, edges: 0 };

  /** For `Graph.fork` only. Overrides that change nothing count for nothing; of two for one input the later counts. */
  constructor(host: ForkHost, overrides: readonly Override[]) {
    this.#host = host;
    const { commons } = host.base.engine;
    this.#evaluation = new Evaluation(new Version({ ...commons, counters: this.#counters }, host.base), host.published);
    const staged = new Staged();
    for (const { kind, key, value } of overrides) {
      const hash = value === undefined ? NOTHING.hash : kind.hash(value as never);
      staged.put(kind, key, { value: frozen(value), hash, failed: false });
    }
    this.#evaluation.take(staged);
  }

  /** @throws QueryError when the cell fails in the fork. */
  read<V>(query: QueryKind<V>, key: string): V {
    const outcome = this.tryRead(query, key);
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  }

  tryRead<V>(query: QueryKind<V>, key: string): Outcome<V> {
    this.#check();
    const { engine } = this.#evaluation.version;
    return engine.outcome(this.#settled(query, key));
  }

  /** Whether the fork's value, or failure, is another than the parent's. */
  diverged(query: AnyQuery, key: string): boolean {
    this.#check();
    const { cells } = this.#evaluation.version.engine;
    const mine = this.#settled(query, key);
    return !cells.holds(mine, this.#host.parent(query, key));
  }

  /** What a pass with the overrides would change among the observed cells: the blast radius. */
  changes(): Difference {
    this.#check();
    this.#evaluation.step();
    return this.#evaluation.difference();
  }

  /** An input as the fork has it. */
  input<V>(kind: InputKind<V>, key: string): V | undefined {
    this.#check();
    const { engine } = this.#evaluation.version;
    return engine.cells.value(engine.cell(kind, key)) as V | undefined;
  }

  /** Members of an index key as the fork has them, in code-unit order. */
  index<V>(kind: IndexKind<V>, key: string): readonly string[] {
    this.#check();
    const { engine } = this.#evaluation.version;
    return engine.cells.value(engine.cell(kind, key)) as readonly string[];
  }

  /** Work done by this fork. */
  get counters(): GraphCounters {
    return { ...this.#counters };
  }

  #settled(query: AnyQuery, key: string): number {
    const { engine } = this.#evaluation.version;
    this.#evaluation.spread();
    const cell = engine.cell(query, key);
    engine.settle(cell);
    return cell;
  }

  #check(): void {
    if (!this.#host.isCurrent()) throw new GraphFault('the fork is pinned to inputs that have changed');
    if (this.#host.base.engine.commons.native.depth > 0) {
      throw new GraphFault('a query used a fork other than through its context');
    }
  }
}

import { finish, type Steps } from '#libs/kernel';
import { NOTHING } from './cells.js';
import { type Difference, Evaluation } from './evaluation.js';
import { readsOutside } from './fork-reads.js';
import { reportedBy } from './published.js';
import { frozen, Staged } from './staged.js';
import type {
  AnyQuery,
  ForkRead,
  GraphCounters,
  IndexKind,
  InputKind,
  Outcome,
  Override,
  PassBudget,
  QueryKind,
} from './types.js';
import { GraphFault } from './types.js';
import { Version } from './version.js';

/** What a fork knows of its parent. */
export interface ForkHost {
  readonly base: Version;
  /** False once cells were dropped that `base` may hold. */
  readonly isWhole: () => boolean;
  /** Forks for which sweeps in slices wait. */
  readonly holders: Set<Fork>;
}

/** A graph as some fork found it, to be read while passes take the graph itself further. */
export interface PinnedGraph {
  input<V>(kind: InputKind<V>, key: string): V | undefined;
  index<V>(kind: IndexKind<V>, key: string): readonly string[];
  /** @throws QueryError when the cell fails */
  read<V>(query: QueryKind<V>, key: string): V;
  tryRead<V>(query: QueryKind<V>, key: string): Outcome<V>;
}

/**
 * A graph as it would be with other inputs: a version of its own that shares with its parent what it does not change.
 * Costs what the overrides touch.
 *
 * Pinned to the parent as it was when the fork was made, which `before` shows: passes and reads of the parent change nothing
 * for it. Once a sweep has dropped a cell every method throws `GraphFault`; `hold` keeps sweeps in slices from it. Forks do
 * not nest.
 */
export class Fork {
  readonly #host: ForkHost;
  readonly #evaluation: Evaluation;
  /** Overridden inputs, and index keys that hold others for it. */
  readonly #overridden: readonly number[];
  readonly #counters = { verified: 0, run: 0, edges: 0 };

  /** The parent as the fork found it. */
  readonly before: PinnedGraph;

  /** For `Graph.fork` only. Overrides that change nothing count for nothing; of two for one input the later counts. */
  constructor(host: ForkHost, overrides: readonly Override[]) {
    this.#host = host;
    const { commons } = host.base.engine;
    const version = new Version({ ...commons, counters: this.#counters }, host.base);
    this.#evaluation = new Evaluation(version, reportedBy(host.base.engine.cells));
    this.before = this.#pinned(host.base);
    const staged = new Staged();
    for (const { kind, key, value } of overrides) {
      const hash = value === undefined ? NOTHING.hash : kind.hash(value as never);
      staged.put(kind, key, { value: frozen(value), hash, failed: false });
    }
    this.#overridden = this.#evaluation.take(staged);
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
    return !cells.holds(mine, this.#host.base.engine.cells.content(settled(this.#host.base, query, key)));
  }

  /** Other overrides of the same parent, as this fork found it. */
  sibling(overrides: readonly Override[]): Fork {
    this.#check();
    return new Fork(this.#host, overrides);
  }

  /** Sweeps in slices wait until it is released, so that the fork stays valid. Not counted. */
  hold(): void {
    this.#check();
    this.#host.holders.add(this);
  }

  release(): void {
    this.#host.holders.delete(this);
  }

  /**
   * Computes what `changes` tells, in slices; the parent takes passes meanwhile.
   * @returns true once there is nothing left to compute
   */
  step(budget: PassBudget): boolean {
    this.#check();
    return this.#evaluation.step(budget);
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

  /**
   * What the observed cells of these queries that the overrides reach were made from outside of the fork: see
   * `readsOutside`.
   */
  reads(queries: Iterable<AnyQuery>): readonly ForkRead[] {
    return finish(this.readsInSteps(queries));
  }

  readsInSteps(queries: Iterable<AnyQuery>): Steps<readonly ForkRead[]> {
    this.#check();
    this.#evaluation.step();
    return readsOutside(this.#evaluation.version, this.#host.base, this.#overridden, new Set(queries));
  }

  /** Work done by this fork. */
  get counters(): GraphCounters {
    return { ...this.#counters };
  }

  #settled(query: AnyQuery, key: string): number {
    const { version } = this.#evaluation;
    // A slice may have ended in the middle of another cell.
    version.engine.abandon();
    this.#evaluation.spread();
    return settled(version, query, key);
  }

  #pinned(base: Version): PinnedGraph {
    const { engine } = base;
    const tryRead = <V>(query: QueryKind<V>, key: string): Outcome<V> => {
      this.#check();
      return engine.outcome(settled(base, query, key));
    };
    return {
      tryRead,
      read: (query, key) => {
        const outcome = tryRead(query, key);
        if (!outcome.ok) throw outcome.error;
        return outcome.value;
      },
      input: <V>(kind: InputKind<V>, key: string) => {
        this.#check();
        const cell = engine.commons.names.find(kind, key);
        return cell === undefined ? undefined : (engine.cells.value(cell) as V | undefined);
      },
      index: (kind, key) => {
        this.#check();
        return engine.cells.value(engine.cell(kind, key)) as readonly string[];
      },
    };
  }

  #check(): void {
    if (!this.#host.isWhole()) throw new GraphFault('a sweep has ended the fork');
    if (this.#host.base.engine.commons.native.depth > 0) {
      throw new GraphFault('a query used a fork other than through its context');
    }
  }
}

function settled({ engine }: Version, query: AnyQuery, key: string): number {
  const cell = engine.cell(query, key);
  engine.settle(cell);
  return cell;
}

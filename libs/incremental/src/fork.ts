import { CHECK, CLEAN, type Content, CYCLIC, DEFERRED, DIRTY, NO_CONTENT } from './cells.js';
import { Engine } from './engine.js';
import { readsOutside } from './fork-reads.js';
import { applyDelta, type IndexDelta, indexDelta, NO_MEMBERS } from './indexes.js';
import { addReaders, compareCells } from './inspect.js';
import type {
  AnyIndex,
  AnyInput,
  AnyKind,
  AnyQuery,
  CellChange,
  ForkRead,
  GraphCounters,
  IndexKind,
  InputKind,
  Outcome,
  Override,
  QueryKind,
} from './types.js';
import { GraphFault } from './types.js';

/** What a fork knows of its parent. */
export interface ForkHost {
  readonly engine: Engine;
  /** Names the parent's inputs. */
  readonly version: () => number;
  readonly indexesOf: (kind: AnyInput) => readonly AnyIndex[];
  readonly isObserved: (cell: number) => boolean;
  /** Every observed cell that may not be settled. */
  readonly pending: () => Iterable<number>;
}

/** Fork cells that differ from the parent carry this tick, the others 0: the engine's cut-off does the rest. */
const DIVERGED_AT = 1;

/**
 * An overlay over a graph: overridden inputs and index keys, and the cells that read one of them directly or not.
 * Everything else is computed and kept in the parent, even if it is dirty there. A key that only the fork has read lives
 * and dies with the fork.
 *
 * Pinned to the parent's inputs: once a pass of the parent has changed an input, every method throws `GraphFault`.
 * Passes that change no input, reads and sweeps leave it valid. A live fork, into which the parent's changes flow, can
 * come with the same interface: the reads of fork cells are recorded as those of the parent's are. Forks do not nest.
 */
export class Fork {
  readonly #host: ForkHost;
  readonly #version: number;
  readonly #overrides = new Map<AnyInput, Map<string, Content>>();
  readonly #overlays = new Map<AnyIndex, IndexDelta>();
  /** Parent cells that may read something overridden; a superset, since recorded reads of dirty cells may be old. */
  readonly #tainted = new Set<number>();
  /** How much of the parent's log of changed reads has been followed. */
  #followed: number;
  readonly #engine = new Engine({
    open: (kind) => this.#open(kind),
    admit: (cell) => this.#admit(cell),
    complete: (cell) => this.#complete(cell),
  });

  /** For `Graph.fork` only. Overrides that change nothing are dropped; of two for one input the later counts. */
  constructor(host: ForkHost, overrides: readonly Override[]) {
    this.#host = host;
    this.#version = host.version();
    this.#followed = host.engine.relinked.length;
    for (const { kind, key, value } of overrides) {
      const hash = value === undefined ? NO_CONTENT : kind.hash(value as never);
      const contents = this.#overrides.get(kind) ?? new Map<string, Content>();
      this.#overrides.set(kind, contents.set(key, { value, hash, failed: false }));
    }
    this.#dropIdle();
    this.#taint();
  }

  /** @throws QueryError when the cell fails in the fork. */
  read<V>(query: QueryKind<V>, key: string): V {
    const outcome = this.tryRead(query, key);
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  }

  tryRead<V>(query: QueryKind<V>, key: string): Outcome<V> {
    return this.#engine.outcome(this.#settled(query, key));
  }

  /** Whether the fork's value, or failure, is another than the parent's. */
  diverged(query: AnyQuery, key: string): boolean {
    const mine = this.#settled(query, key);
    const theirs = this.#host.engine.cell(query, key);
    this.#host.engine.settle(theirs);
    return !this.#host.engine.cells.holds(theirs, this.#engine.cells.content(mine));
  }

  /**
   * Cells observed in the parent whose value differs in the fork, as the fork has them, in code-unit order of kind and
   * key: the blast radius. Keys that exist only in the fork are found by reading what lists them.
   */
  changes(): CellChange[] {
    this.#check();
    const { cells } = this.#host.engine;
    for (const cell of this.#host.pending()) this.#host.engine.settle(cell);
    this.#follow();
    const changes: CellChange[] = [];
    for (const cell of this.#tainted) {
      if (!this.#host.isObserved(cell)) continue;
      const kind = cells.kind(cell);
      if (kind.type !== 'query' || !this.diverged(kind, cells.key(cell))) continue;
      const outcome = this.#engine.outcome<unknown>(this.#settled(kind, cells.key(cell)));
      const value = outcome.ok ? outcome.value : undefined;
      changes.push({ ...cells.name(cell), value, error: outcome.ok ? undefined : outcome.error });
    }
    return changes.sort(compareCells);
  }

  /** An input as the fork has it. */
  input<V>(kind: InputKind<V>, key: string): V | undefined {
    this.#check();
    return this.#engine.cells.value(this.#engine.cell(kind, key)) as V | undefined;
  }

  /** Members of an index key as the fork has them, in code-unit order. */
  index<V>(kind: IndexKind<V>, key: string): readonly string[] {
    this.#check();
    return this.#engine.cells.value(this.#engine.cell(kind, key)) as readonly string[];
  }

  /** What the cells of these queries that the fork computed itself were made from outside of it: see `readsOutside`. */
  reads(queries: Iterable<AnyQuery>): readonly ForkRead[] {
    this.#check();
    return readsOutside(this.#engine, this.#host.engine, queries, (kind, key) => this.#isOverridden(kind, key));
  }

  /** Work done by this fork; what it made the parent compute is counted there. */
  get counters(): GraphCounters {
    return this.#engine.counters;
  }

  #settled(query: AnyQuery, key: string): number {
    this.#check();
    const cell = this.#engine.cell(query, key);
    this.#engine.settle(cell);
    return cell;
  }

  #check(): void {
    if (this.#version !== this.#host.version()) throw new GraphFault('the fork is pinned to inputs that have changed');
    if (this.#engine.busy || this.#host.engine.busy) {
      throw new GraphFault('a query used a fork other than through its context');
    }
  }

  #parentValue(kind: AnyInput, key: string): unknown {
    const { cells } = this.#host.engine;
    const cell = cells.find(kind, key);
    return cell === undefined ? undefined : cells.value(cell);
  }

  #dropIdle(): void {
    const { cells } = this.#host.engine;
    for (const [kind, contents] of this.#overrides) {
      for (const [key, content] of contents) {
        const cell = cells.find(kind, key);
        const hash = cell === undefined ? NO_CONTENT : cells.hash(cell);
        if (hash === content.hash) contents.delete(key);
      }
    }
  }

  #overlay(index: AnyIndex): IndexDelta {
    const known = this.#overlays.get(index);
    if (known) return known;
    const changes = [...(this.#overrides.get(index.of) ?? [])].map(([key, content]) => ({
      key,
      before: this.#parentValue(index.of, key),
      after: content.value,
    }));
    const delta = indexDelta(index, changes);
    this.#overlays.set(index, delta);
    return delta;
  }

  #isOverridden(kind: AnyKind, key: string): boolean {
    switch (kind.type) {
      case 'input':
        return this.#overrides.get(kind)?.has(key) ?? false;
      case 'index':
        return this.#overlay(kind).has(key);
      case 'query':
        return false;
    }
  }

  #taint(): void {
    const { cells } = this.#host.engine;
    const roots: number[] = [];
    const add = (kind: AnyKind, keys: Iterable<string>): void => {
      for (const key of keys) {
        const cell = cells.find(kind, key);
        if (cell !== undefined) roots.push(cell);
      }
    };
    for (const [kind, contents] of this.#overrides) {
      add(kind, contents.keys());
      for (const index of this.#host.indexesOf(kind)) add(index, this.#overlay(index).keys());
    }
    addReaders(this.#host.engine, roots, this.#tainted);
  }

  /** Takes note of parent cells that have come to read something tainted. The log is in the order of the reads. */
  #follow(): void {
    const { cells, edges, relinked } = this.#host.engine;
    for (; this.#followed < relinked.length; this.#followed += 1) {
      const cell = relinked[this.#followed];
      if (cell === undefined || this.#tainted.has(cell) || !cells.exists(cell)) continue;
      const touched = edges
        .reads(cell)
        .some((read) => this.#tainted.has(read) || this.#isOverridden(cells.kind(read), cells.key(read)));
      if (!touched) continue;
      this.#tainted.add(cell);
      addReaders(this.#host.engine, [cell], this.#tainted);
    }
  }

  #open(kind: AnyKind): ReadonlyMap<string, readonly string[]> {
    if (kind.type === 'index') {
      this.#host.engine.open(kind);
      this.#overlay(kind);
    }
    return new Map();
  }

  #admit(cell: number): void {
    const kind = this.#engine.cells.kind(cell);
    const key = this.#engine.cells.key(cell);
    const theirs = this.#host.engine.cells.find(kind, key);
    switch (kind.type) {
      case 'input':
        this.#admitInput(cell, theirs, this.#overrides.get(kind)?.get(key));
        break;
      case 'index':
        this.#admitIndex(cell, theirs, kind);
        break;
      case 'query':
        this.#admitQuery(cell, theirs);
        break;
    }
  }

  #admitInput(cell: number, theirs: number | undefined, override: Content | undefined): void {
    const { cells } = this.#engine;
    if (theirs !== undefined) cells.setContent(cell, this.#host.engine.cells.content(theirs));
    if (!override) return;
    cells.setContent(cell, override);
    cells.setChangedAt(cell, DIVERGED_AT);
  }

  #admitIndex(cell: number, theirs: number | undefined, kind: AnyIndex): void {
    const { cells } = this.#engine;
    const members = theirs === undefined ? NO_MEMBERS : (this.#host.engine.cells.value(theirs) as readonly string[]);
    const delta = this.#overlay(kind).get(cells.key(cell));
    cells.setContent(cell, { value: delta ? applyDelta(members, delta) : members, hash: '', failed: false });
    if (delta) cells.setChangedAt(cell, DIVERGED_AT);
  }

  /** The parent's value, to be verified by the parent's reads if one of those may be overridden. */
  #admitQuery(cell: number, theirs: number | undefined): void {
    const { cells } = this.#engine;
    const parent = this.#host.engine;
    cells.setState(cell, DIRTY);
    if (theirs === undefined) return;
    parent.settle(theirs);
    this.#follow();
    cells.setContent(cell, parent.cells.content(theirs));
    // What lies on a cycle runs again: taken over, it would hide the cycle from members that only the fork has.
    if (parent.cells.has(theirs, CYCLIC)) return;
    const shared = !this.#tainted.has(theirs);
    cells.setState(cell, shared ? CLEAN : CHECK);
    cells.mark(cell, DEFERRED, !shared);
  }

  /** Takes over what the parent's cell has read; so late, because most cells of a fork are never verified. */
  #complete(cell: number): void {
    const { cells, edges } = this.#engine;
    if (!cells.has(cell, DEFERRED)) return;
    cells.mark(cell, DEFERRED, false);
    const parent = this.#host.engine;
    const theirs = parent.cells.find(cells.kind(cell), cells.key(cell));
    if (theirs === undefined) {
      // Swept since: nothing to verify by.
      cells.setState(cell, DIRTY);
      return;
    }
    parent.settle(theirs);
    const reads = parent.edges
      .reads(theirs)
      .map((read) => this.#engine.cell(parent.cells.kind(read), parent.cells.key(read)));
    edges.replace(cell, reads);
  }
}

import { Fork } from './fork.js';
import { keysOf } from './indexes.js';
import { ABSENT, frozen, Inputs } from './inputs.js';
import { addReaders, compareCells, dependencyTree, withReads } from './inspect.js';
import type {
  AnyInput,
  AnyQuery,
  CellChange,
  CellName,
  ChangeSet,
  Dependency,
  GraphCounters,
  IndexKind,
  InputKind,
  Outcome,
  Override,
  PassOptions,
  QueryKind,
} from './types.js';
import { GraphFault } from './types.js';

interface Observed {
  count: number;
  /** What the last pass that reported the cell said; `undefined` before the first. */
  published: { readonly hash: string; readonly failed: boolean } | undefined;
}

/**
 * A query graph: inputs, indexes over them, memoised queries, and passes that bring what is observed up to date.
 * Always true: every value equals that of a new graph with the same inputs. Single-threaded and synchronous.
 */
export class Graph {
  readonly #inputs = new Inputs();
  readonly #engine = this.#inputs.engine;
  readonly #observed = new Map<number, Observed>();
  /** Observed cells that may differ from what was published. */
  readonly #pending = new Set<number>();
  #passes = 0;
  /** During a pass: how to undo it, newest last. */
  #journal: (() => void)[] | undefined;

  /** Sets an input from the next pass on. An equal hash is no change, and the value of before stays. The value is frozen (shallowly). */
  set<V>(kind: InputKind<V>, key: string, value: V): void {
    if (value === undefined) throw new TypeError(`${kind.name} ${key}: undefined is no value, use remove`);
    const hash = kind.hash(value);
    this.#idle();
    this.#inputs.stage(kind, key, { value: frozen(value), hash, failed: false });
  }

  /** Removes an input from the next pass on; nothing happens if it is absent then. */
  remove(kind: AnyInput, key: string): void {
    this.#idle();
    this.#inputs.stage(kind, key, ABSENT);
  }

  /** Keeps a query's cell up to date by every pass, and reports its changes. Counted: as many `unobserve` undo it. */
  observe(query: AnyQuery, key: string): void {
    this.#idle();
    const cell = this.#engine.cell(query, key);
    const record = this.#observed.get(cell);
    if (record) {
      record.count += 1;
    } else {
      this.#observed.set(cell, { count: 1, published: undefined });
      this.#pending.add(cell);
    }
    this.#journal?.push(() => this.#release(cell));
  }

  /** @throws GraphFault when the cell is not observed. */
  unobserve(query: AnyQuery, key: string): void {
    this.#idle();
    const cell = this.#engine.cells.find(query, key);
    const record = cell === undefined ? undefined : this.#observed.get(cell);
    if (cell === undefined || !record) throw new GraphFault(`${query.name} ${key} is not observed`);
    this.#release(cell);
    this.#journal?.push(() => {
      record.count += 1;
      this.#observed.set(cell, record);
      this.#pending.add(cell);
    });
  }

  /**
   * Takes over the staged inputs, recomputes what is observed, and says what changed. All or nothing: if anything but a
   * query throws (`expand`, an index's `keysOf`), inputs, observations and what was published are as before, and the
   * inputs are staged again.
   */
  pass(options: PassOptions = {}): ChangeSet {
    this.#idle();
    if (this.#journal) throw new GraphFault('a pass inside a pass');
    const journal: (() => void)[] = [];
    const seen = new Set<number>();
    this.#journal = journal;
    try {
      const undo = this.#inputs.commit((cell) => this.#suspect(cell));
      journal.push(undo);
      this.#rounds(seen, options.expand);
    } catch (thrown) {
      for (const undo of journal.reverse()) undo();
      for (const cell of seen) if (this.#observed.has(cell)) this.#pending.add(cell);
      throw thrown;
    } finally {
      this.#journal = undefined;
    }
    const changed = this.#differing(seen);
    for (const cell of seen) this.#publish(cell);
    this.#passes += 1;
    return { pass: this.#passes, changed };
  }

  /**
   * The value as of the inputs of the last pass, computed now if need be and kept.
   * @throws QueryError when the cell fails.
   */
  read<V>(query: QueryKind<V>, key: string): V {
    const outcome = this.tryRead(query, key);
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  }

  tryRead<V>(query: QueryKind<V>, key: string): Outcome<V> {
    return this.#engine.outcome(this.#settled(query, key));
  }

  /** An input as of the last pass; `undefined` when it is absent. */
  input<V>(kind: InputKind<V>, key: string): V | undefined {
    const cell = this.#engine.cells.find(kind, key);
    return cell === undefined ? undefined : (this.#engine.cells.value(cell) as V | undefined);
  }

  /** Members of an index key as of the last pass, in code-unit order. */
  index<V>(kind: IndexKind<V>, key: string): readonly string[] {
    return this.#engine.cells.value(this.#engine.cell(kind, key)) as readonly string[];
  }

  /**
   * The graph as it would be with other inputs, those of the last pass otherwise; inputs that are only staged are not
   * seen. Costs what the overrides touch. Pinned: see `Fork`.
   */
  fork(overrides: readonly Override[]): Fork {
    this.#idle();
    return new Fork(
      {
        engine: this.#engine,
        version: () => this.#inputs.version,
        indexesOf: (kind) => this.#inputs.indexesOf(kind),
        isObserved: (cell) => this.#observed.has(cell),
        pending: () => this.#pending,
      },
      overrides,
    );
  }

  /** What the cell read, down to inputs, as recorded when it last ran. */
  explain(query: AnyQuery, key: string): Dependency {
    return dependencyTree(this.#engine, this.#settled(query, key));
  }

  /**
   * Observed cells that read this input, or an index key that holds it, directly or not, as of the last pass. A bound
   * for what it touches: reading is not affecting, which only the difference to a fork without it tells.
   */
  dependentsOf(kind: AnyInput, key: string): CellName[] {
    const { cells } = this.#engine;
    const input = cells.find(kind, key);
    if (input === undefined) return [];
    const roots = [input];
    for (const index of this.#inputs.indexesOf(kind)) {
      for (const indexKey of keysOf(index, key, cells.value(input))) roots.push(this.#engine.cell(index, indexKey));
    }
    const reached = new Set<number>();
    addReaders(this.#engine, roots, reached);
    return [...reached]
      .filter((cell) => this.#observed.has(cell))
      .map((cell) => cells.name(cell))
      .sort(compareCells);
  }

  /** Inputs that this cell was last made from, directly or not: those of the index keys it read too, unless `skip` says so. */
  inputsOf(cell: CellName, skip: (indexKey: CellName) => boolean = () => false): readonly CellName[] {
    const { cells } = this.#engine;
    const kind = [...cells.tables.keys()].find((known) => known.name === cell.kind);
    const root = kind && cells.find(kind, cell.key);
    if (root === undefined) return [];
    const found = new Map<string, CellName>();
    const add = (name: CellName): void => void found.set(`${name.kind}\u0000${name.key}`, name);
    for (const read of withReads(this.#engine, [root])) {
      const of = cells.kind(read);
      const name = cells.name(read);
      if (of.type === 'input') add(name);
      if (of.type !== 'index' || skip(name)) continue;
      for (const key of cells.value(read) as readonly string[]) add({ kind: of.of.name, key });
    }
    return [...found.values()].sort(compareCells);
  }

  /** Drops what is neither observed nor read by what is observed; inputs that exist stay. Returns how many cells went. */
  sweep(): number {
    this.#idle();
    if (this.#journal) throw new GraphFault('a sweep inside a pass');
    const { cells, edges } = this.#engine;
    const before = cells.count;
    const kept = withReads(this.#engine, this.#observed.keys());
    for (let cell = 0; cell < cells.limit; cell += 1) {
      if (!cells.exists(cell) || kept.has(cell) || cells.kind(cell).type !== 'query') continue;
      edges.clear(cell);
      cells.drop(cell);
    }
    for (let cell = 0; cell < cells.limit; cell += 1) {
      if (cells.exists(cell) && !kept.has(cell) && this.#inputs.isEmpty(cell)) cells.drop(cell);
    }
    return before - cells.count;
  }

  /** Work done since the graph was made. Forks count their own. */
  get counters(): GraphCounters {
    return this.#engine.counters;
  }

  /** Cells in memory: inputs, index keys and queries. */
  get size(): number {
    return this.#engine.cells.count;
  }

  /** A cell may have changed. */
  #suspect(cell: number): void {
    if (this.#observed.has(cell)) this.#pending.add(cell);
  }

  #settled(query: AnyQuery, key: string): number {
    this.#idle();
    const cell = this.#engine.cell(query, key);
    this.#engine.settle(cell);
    return cell;
  }

  /** A query that reaches the graph other than through its context would read what nobody records. */
  #idle(): void {
    if (this.#engine.busy) throw new GraphFault('a query used the graph other than through its context');
  }

  #rounds(seen: Set<number>, expand: PassOptions['expand']): void {
    while (this.#pending.size > 0) {
      const round = [...this.#pending];
      this.#pending.clear();
      for (const cell of round) seen.add(cell);
      for (const cell of round) this.#engine.settle(cell);
      const changes = this.#differing(round);
      if (changes.length > 0) expand?.(changes);
    }
  }

  /** Those of the cells that are observed and not as published. */
  #differing(among: Iterable<number>): CellChange[] {
    const { cells } = this.#engine;
    const changes: CellChange[] = [];
    for (const cell of among) {
      const record = this.#observed.get(cell);
      const published = record?.published;
      const { value, hash, failed } = cells.content(cell);
      if (!record || (published && published.hash === hash && published.failed === failed)) continue;
      changes.push({ ...cells.name(cell), value: failed ? undefined : value, error: cells.error(cell) });
    }
    return changes.sort(compareCells);
  }

  #publish(cell: number): void {
    const record = this.#observed.get(cell);
    const { hash, failed } = this.#engine.cells.content(cell);
    if (record) record.published = { hash, failed };
  }

  #release(cell: number): void {
    const record = this.#observed.get(cell);
    if (!record) return;
    record.count -= 1;
    if (record.count > 0) return;
    this.#observed.delete(cell);
    this.#pending.delete(cell);
  }
}

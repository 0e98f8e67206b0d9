import { type Content, NOTHING } from './cells.js';
import type { Commons } from './commons.js';
import { Evaluation } from './evaluation.js';
import { Fork } from './fork.js';
import { keysOf } from './indexes.js';
import { addReaders, compareCells, dependencyTree, inputsBehind, withReads } from './inspect.js';
import { Lane } from './lane.js';
import { Names } from './names.js';
import { Pass } from './pass.js';
import { Published } from './published.js';
import { frozen, Staged } from './staged.js';
import { Sweeper } from './sweeper.js';
import type {
  AnyInput,
  AnyQuery,
  CellName,
  ChangeSet,
  Dependency,
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

/**
 * A query graph: inputs, indexes over them, memoised queries, and passes that bring what is observed up to date.
 * Always true: every value equals that of a new graph with the same inputs. Single-threaded and synchronous; a pass may
 * be cut into slices, and the graph is the one of before until such a pass is adopted.
 */
export class Graph {
  readonly #commons: Commons = {
    names: new Names(),
    counters: { verified: 0, run: 0, edges: 0 },
    native: { depth: 0 },
  };
  readonly #published = new Published();
  readonly #sweeper = new Sweeper();
  #base = new Version(this.#commons);
  #staged = new Staged();
  /** The pass in slices. */
  #long: Pass | undefined;
  readonly #lanes = new Set<Lane>();
  /** Forks that are in use while the event loop goes on. */
  readonly #holders = new Set<Fork>();
  #passes = 0;
  /** Grows when a sweep drops cells: names of theirs that a fork holds may come to mean others. */
  #epoch = 0;

  /** Sets an input from the next pass on. An equal hash is no change, and the value of before stays. The value is frozen (shallowly). */
  set<V>(kind: InputKind<V>, key: string, value: V): void {
    if (value === undefined) throw new TypeError(`${kind.name} ${key}: undefined is no value, use remove`);
    const hash = kind.hash(value);
    this.#stage(kind, key, { value: frozen(value), hash, failed: false });
  }

  /** Removes an input from the next pass on; nothing happens if it is absent then. */
  remove(kind: AnyInput, key: string): void {
    this.#stage(kind, key, NOTHING);
  }

  /**
   * From the next pass on keeps a query's cell up to date by every pass, and reports its changes. Counted: as many
   * `unobserve` undo it.
   */
  observe(query: AnyQuery, key: string): void {
    this.#idle();
    this.#staged.observe(query, key, 1);
  }

  /** @throws GraphFault when the cell is not observed. */
  unobserve(query: AnyQuery, key: string): void {
    this.#idle();
    const cell = this.#commons.names.find(query, key);
    const count = cell === undefined ? 0 : this.#base.engine.cells.observers(cell);
    if (count + this.#staged.observers(query, key) > 0) this.#staged.observe(query, key, -1);
    else if (!this.#long?.release(query, key)) throw new GraphFault(`${query.name} ${key} is not observed`);
  }

  /**
   * Takes over the staged inputs, recomputes what is observed, and says what changed. All or nothing: if anything but a
   * query throws (an index's `keysOf`, a list), everything is as before, and the inputs are staged again.
   */
  pass(): ChangeSet {
    return this.#begin().adopt();
  }

  /**
   * The same in slices. `pass` may be called meanwhile and is adopted first: what it took over is then part of this pass
   * as well.
   * @throws GraphFault when there is such a pass already
   */
  begin(): Pass {
    if (this.#long) throw new GraphFault('two passes in slices at once');
    this.#long = this.#begin();
    return this.#long;
  }

  #begin(): Pass {
    this.#idle();
    const evaluation = new Evaluation(new Version(this.#commons, this.#base), this.#published);
    const taken = this.#staged;
    evaluation.take(taken);
    this.#staged = new Staged();
    const host = { adopt: (pass: Pass) => this.#adopt(pass), abandon: (pass: Pass) => this.#abandon(pass) };
    return new Pass(host, evaluation, taken);
  }

  #adopt(pass: Pass): ChangeSet {
    const { evaluation } = pass;
    const { version } = evaluation;
    const changed = evaluation.changedCells();
    const gone = evaluation.goneCells();
    const difference = evaluation.difference();
    for (const cell of changed) this.#published.set(cell, version.engine.cells.content(cell));
    for (const cell of gone) this.#published.delete(cell);
    this.#base = version;
    this.#passes += 1;
    const cells = [...changed, ...gone];
    if (this.#long === pass) this.#long = undefined;
    else if (this.#long) this.#overtake(this.#long, pass, cells);
    for (const lane of this.#lanes) lane.follow(pass.taken, cells);
    return { pass: this.#passes, ...difference };
  }

  /** The pass in slices is to contain what a shorter one has just published. */
  #overtake(long: Pass, short: Pass, cells: readonly number[]): void {
    long.taken.withoutWritesOf(short.taken);
    long.evaluation.take(short.taken);
    long.evaluation.recheck(cells);
  }

  #abandon(pass: Pass): void {
    if (this.#long === pass) this.#long = undefined;
    pass.taken.add(this.#staged);
    this.#staged = pass.taken;
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
    return this.#base.engine.outcome(this.#settled(query, key));
  }

  /** An input as of the last pass; `undefined` when it is absent. */
  input<V>(kind: InputKind<V>, key: string): V | undefined {
    const cell = this.#commons.names.find(kind, key);
    return cell === undefined ? undefined : (this.#base.engine.cells.value(cell) as V | undefined);
  }

  /** Members of an index key as of the last pass, in code-unit order. */
  index<V>(kind: IndexKind<V>, key: string): readonly string[] {
    const { engine } = this.#base;
    return engine.cells.value(engine.cell(kind, key)) as readonly string[];
  }

  /**
   * The graph as it would be with other inputs, those of the last pass otherwise; what is only staged, or in a pass in
   * slices, is not seen. Costs what the overrides touch. Pinned: see `Fork`.
   */
  fork(overrides: readonly Override[]): Fork {
    this.#idle();
    const epoch = this.#epoch;
    return new Fork(
      {
        base: this.#base,
        isWhole: () => this.#epoch === epoch,
        holders: this.#holders,
      },
      overrides,
    );
  }

  /**
   * The same for as long as it is wanted: passes go on, and what they change flows in. While a lane is open nothing is
   * swept. Lanes do not see one another.
   */
  lane(overrides: readonly Override[]): Lane {
    this.#idle();
    const close = (lane: Lane): void => void this.#lanes.delete(lane);
    const lane = new Lane({ base: this.#base, published: this.#published, close }, overrides);
    this.#lanes.add(lane);
    return lane;
  }

  /** What the cell read, down to inputs, as recorded when it last ran. */
  explain(query: AnyQuery, key: string): Dependency {
    return dependencyTree(this.#base.engine, this.#settled(query, key));
  }

  /**
   * Observed cells that read this input, or an index key that holds it, directly or not, as of the last pass. A bound
   * for what it touches: reading is not affecting, which only the difference to a fork without it tells.
   */
  dependentsOf(kind: AnyInput, key: string): CellName[] {
    const { engine } = this.#base;
    const { names } = this.#commons;
    const input = names.find(kind, key);
    if (input === undefined) return [];
    const roots = [input];
    for (const index of this.#base.indexesOf(kind)) {
      for (const indexKey of keysOf(index, key, engine.cells.value(input))) roots.push(engine.cell(index, indexKey));
    }
    const reached = new Set<number>();
    addReaders(engine, roots, reached);
    return [...reached]
      .filter((cell) => engine.cells.observers(cell) > 0)
      .map((cell) => names.name(cell))
      .sort(compareCells);
  }

  /** Inputs that this cell was last made from, directly or not: those of the index keys it read too, unless `skip` says so. */
  inputsOf({ kind, key }: CellName, skip: (indexKey: CellName) => boolean = () => false): readonly CellName[] {
    const { names } = this.#commons;
    const known = [...names.tables.keys()].find(({ name }) => name === kind);
    const cell = known && names.find(known, key);
    return cell === undefined ? [] : inputsBehind(this.#base.engine, cell, skip);
  }

  /**
   * Drops what is neither observed nor read by what is observed; inputs that exist stay. Walks the whole graph. Ends forks.
   * @returns how many cells went
   * @throws GraphFault during a pass in slices, and while a lane is open
   */
  sweep(): number {
    this.#idle();
    if (this.#long) throw new GraphFault('a sweep during a pass in slices');
    if (this.#lanes.size > 0) throw new GraphFault('a sweep while a lane is open');
    const { cells } = this.#base.engine;
    const before = cells.count;
    const { limit } = this.#commons.names;
    const observed: number[] = [];
    for (let cell = 0; cell < limit; cell += 1) if (cells.observers(cell) > 0) observed.push(cell);
    const kept = withReads(this.#base.engine, observed);
    this.#dropAll((cell) => !kept.has(cell) && this.#commons.names.kind(cell).type === 'query');
    this.#dropAll((cell) => !kept.has(cell) && (!this.#base.engine.has(cell) || this.#base.isEmpty(cell)));
    this.#epoch += 1;
    return before - cells.count;
  }

  #dropAll(isDue: (cell: number) => boolean): void {
    const { names } = this.#commons;
    for (let cell = 0; cell < names.limit; cell += 1) if (names.exists(cell) && isDue(cell)) this.#base.drop(cell);
  }

  /**
   * A sweep in slices, between passes: drops what nothing has read and nobody observed in the whole round before. Cells on
   * a cycle of reads stay until a whole `sweep`. Does nothing during a pass in slices, beside a lane, or while a fork is
   * held. Ends other forks where it drops.
   * @returns true at the end of a round
   */
  sweepSlice(budget: PassBudget): boolean {
    this.#idle();
    if (this.#long || this.#lanes.size + this.#holders.size > 0) return false;
    const { isOver, dropped } = this.#sweeper.step(this.#base, budget);
    if (dropped > 0) this.#epoch += 1;
    return isOver;
  }

  /** Work done since the graph was made. Forks count their own. */
  get counters(): GraphCounters {
    return { ...this.#commons.counters };
  }

  /** Cells in memory: inputs, index keys and queries. */
  get size(): number {
    return this.#base.engine.cells.count;
  }

  #stage(kind: AnyInput, key: string, content: Content): void {
    this.#idle();
    this.#commons.names.table(kind);
    this.#staged.put(kind, key, content);
  }

  #settled(query: AnyQuery, key: string): number {
    this.#idle();
    const cell = this.#base.engine.cell(query, key);
    this.#base.engine.settle(cell);
    return cell;
  }

  /** A query that reaches the graph other than through its context would read what nobody records. */
  #idle(): void {
    if (this.#commons.native.depth > 0) throw new GraphFault('a query used the graph other than through its context');
  }
}

import { sortedBy } from '#libs/kernel';
import { ABSENT, ACTIVE, Cells, CHECK, CLEAN, type Content, CYCLIC, DIRTY } from './cells.js';
import type { Commons, Source } from './commons.js';
import { type Frame, RunContext } from './context.js';
import { Edges, NO_EDGE } from './edges.js';
import type { AnyKind, Outcome, PassBudget } from './types.js';
import { CycleError, GraphFault, QueryError } from './types.js';

/**
 * Queries nested on the native stack. A deeper read suspends all of them: what it asks for is computed first, from an
 * empty native stack, then they run again. So depth costs up to twice the runs, and never a stack overflow.
 */
const MAX_NESTED_RUNS = 64;

/** Thrown through suspended queries; their frames stay on the engine's own stack. */
const SUSPEND = new Error('suspended');
/** The same at the end of a slice. */
const PAUSE = new Error('paused');

const GRAIN = 32;
/** A query that runs counts as so many. */
const STEPS_PER_RUN = 16;

/** One version of all cells, who reads whom, and the one algorithm: verify by recorded reads, run what must, stop at equal hashes. */
export class Engine {
  readonly commons: Commons;
  readonly cells: Cells;
  readonly edges: Edges;
  /** Grows with every change of inputs; orders changes and verifications. */
  tick: number;
  readonly #source: Source;
  readonly #stack: Frame[] = [];
  /** Changed cells whose readers are still to be marked. */
  readonly #spreading: number[] = [];
  #nested = 0;
  #wanted = 0;
  /** What is being thrown through nested queries. Kept, so that a query that swallows it cannot go on. */
  #abort: unknown;
  #budget: PassBudget | undefined;
  #steps = 0;
  #settled = 0;

  /** A version that starts as a copy of another, or empty. */
  constructor(source: Source, commons: Commons, from?: Engine) {
    this.commons = commons;
    this.cells = from ? from.cells.clone() : new Cells();
    this.edges = from ? from.edges.clone() : new Edges();
    this.tick = from ? from.tick : 1;
    this.#source = source;
  }

  /** The cell of this kind and key; makes it if need be. */
  cell(kind: AnyKind, key: string): number {
    if (kind.type === 'index') this.#source.open(kind);
    const { names } = this.commons;
    const cell = names.id(names.table(kind), key);
    if (this.cells.state(cell) === ABSENT) {
      this.cells.add(cell);
      this.#source.admit(cell, kind);
    }
    return cell;
  }

  /** Whether this version has met the cell. */
  has(cell: number): boolean {
    return this.cells.state(cell) !== ABSENT;
  }

  /**
   * Brings a cell up to date with the inputs.
   * @returns false when the budget was used up first: to be called again for the same cell, or after `abandon`
   */
  settle(root: number, budget?: PassBudget): boolean {
    if (this.cells.state(root) === CLEAN) return true;
    if (this.commons.native.depth > 0) throw new GraphFault('a query read the graph other than through its context');
    this.#budget = budget;
    this.#settled = 0;
    let next = this.#stack.length > 0 ? undefined : root;
    for (;;) {
      try {
        if (next !== undefined) this.#push(next);
        this.#drive(0);
        return true;
      } catch (thrown) {
        this.#abort = undefined;
        if (thrown === PAUSE) return false;
        if (thrown !== SUSPEND) {
          this.abandon();
          throw thrown;
        }
        next = this.#wanted;
      }
    }
  }

  outcome<V>(cell: number): Outcome<V> {
    const error = this.cells.error(cell);
    return error ? { ok: false, error } : { ok: true, value: this.cells.value(cell) as V };
  }

  value(cell: number): unknown {
    return this.cells.value(cell);
  }

  /** These cells have changed: `spread` tells their readers. */
  changed(cells: readonly number[]): void {
    for (const cell of cells) this.#spreading.push(cell);
  }

  /**
   * Marks everything that reads a changed cell, directly or not, as to be checked. `met` hears of each newly marked cell.
   * @returns false when the budget was used up first
   */
  spread(met: (cell: number) => void, budget?: PassBudget): boolean {
    const { counters } = this.commons;
    for (let cell = this.#spreading.pop(); cell !== undefined; cell = this.#spreading.pop()) {
      for (let edge = this.edges.firstReader(cell); edge !== NO_EDGE; edge = this.edges.nextReader(edge)) {
        counters.edges += 1;
        const reader = this.edges.reader(edge);
        if (this.cells.state(reader) !== CLEAN) continue;
        this.cells.setState(reader, this.cells.has(reader, CYCLIC) ? DIRTY : CHECK);
        met(reader);
        this.#spreading.push(reader);
      }
      this.#steps += 1;
      if (!budget || this.#steps < (budget.grain ?? GRAIN)) continue;
      this.#steps = 0;
      if (budget.exhausted()) return false;
    }
    return true;
  }

  /** A read by the query of `frame`: records it, and brings the cell up to date. For `RunContext` only. */
  demand(frame: Frame, kind: AnyKind, key: string): number {
    if (this.#abort !== undefined) throw this.#abort;
    if (frame.cycle) throw frame.cycle;
    try {
      const cell = this.cell(kind, key);
      frame.reads?.add(cell);
      if (this.cells.state(cell) !== CLEAN) this.#descend(cell);
      if (!frame.cycle) return cell;
    } catch (thrown) {
      this.#abort = thrown;
      throw thrown;
    }
    throw frame.cycle;
  }

  #descend(cell: number): void {
    if (this.cells.has(cell, ACTIVE)) {
      this.#closeCycle(cell);
      return;
    }
    if (this.#nested >= MAX_NESTED_RUNS) {
      this.#wanted = cell;
      throw SUSPEND;
    }
    const depth = this.#stack.length;
    this.#push(cell);
    this.#drive(depth);
  }

  #push(cell: number): void {
    this.commons.counters.verified += 1;
    this.cells.mark(cell, ACTIVE, true);
    this.#stack.push({ cell, edge: this.edges.firstRead(cell), reads: undefined, cycle: undefined });
  }

  #drive(base: number): void {
    while (this.#stack.length > base) {
      if (this.#budget && this.#isSliceOver(this.#budget)) throw PAUSE;
      const top = this.#stack.at(-1);
      if (top) this.#step(top);
    }
  }

  /** Every slice gets on: a query that has to run again is worth it only when enough of what it reads is ready. */
  #isSliceOver(budget: PassBudget): boolean {
    this.#steps += 1;
    const { grain = GRAIN } = budget;
    if (this.#nested > 0 && this.#settled < grain) return false;
    if (this.#steps <= grain) return false;
    this.#steps = 0;
    return budget.exhausted();
  }

  #step(frame: Frame): void {
    const { cell } = frame;
    if (frame.cycle) this.#finish(frame, failure(frame.cycle));
    else if (this.cells.state(cell) === DIRTY) this.#run(frame);
    else if (frame.edge === NO_EDGE) this.#confirm(frame);
    else this.#verify(frame);
  }

  /** Looks at the next recorded read. In their order: a later read may exist only because of what an earlier one gave. */
  #verify(frame: Frame): void {
    this.commons.counters.edges += 1;
    const read = this.edges.target(frame.edge);
    if (this.cells.state(read) !== CLEAN) {
      if (this.cells.has(read, ACTIVE)) this.#closeCycle(read);
      else this.#push(read);
    } else if (this.cells.changedAt(read) > this.cells.verifiedAt(frame.cell)) {
      this.cells.setState(frame.cell, DIRTY);
    } else {
      frame.edge = this.edges.nextRead(frame.edge);
    }
  }

  #run(frame: Frame): void {
    const { cell } = frame;
    const { names, native, counters } = this.commons;
    const kind = names.kind(cell);
    if (kind.type !== 'query') throw new GraphFault(`${kind.name} is no query`);
    counters.run += 1;
    this.#steps += STEPS_PER_RUN;
    native.depth += 1;
    this.#nested += 1;
    frame.reads = new Set();
    const context = new RunContext(this, frame);
    let content: Content;
    try {
      const value = kind.run(context, names.key(cell));
      content = { value, hash: kind.hash(value as never), failed: false };
    } catch (thrown) {
      if (thrown instanceof GraphFault) throw thrown;
      content = failure(thrown instanceof QueryError ? thrown : new QueryError(names.name(cell), thrown));
    } finally {
      native.depth -= 1;
      this.#nested -= 1;
      context.close();
    }
    if (this.#abort !== undefined) throw this.#abort;
    this.#finish(frame, frame.cycle ? failure(frame.cycle) : content);
  }

  /** All recorded reads are as they were, so the value is too. */
  #confirm(frame: Frame): void {
    this.#leave(frame);
    this.cells.setState(frame.cell, CLEAN);
    this.cells.setVerifiedAt(frame.cell, this.tick);
  }

  #finish(frame: Frame, content: Content): void {
    const { cell } = frame;
    this.#leave(frame);
    if (frame.reads) this.edges.replace(cell, frame.reads);
    else if (frame.edge !== NO_EDGE) this.edges.truncate(frame.edge);
    if (!this.cells.holds(cell, content)) {
      this.cells.setContent(cell, content);
      this.cells.setChangedAt(cell, this.tick);
    }
    this.cells.mark(cell, CYCLIC, frame.cycle !== undefined);
    this.cells.setState(cell, CLEAN);
    this.cells.setVerifiedAt(cell, this.tick);
  }

  #leave(frame: Frame): void {
    this.#stack.pop();
    this.#settled += 1;
    this.cells.mark(frame.cell, ACTIVE, false);
  }

  /**
   * `cell`, which is on the stack, is read by the top of the stack. Every cell has one read it waits at, so the members
   * are the same from whichever the cycle is entered; and since all of them fail, whatever they do with the error, so
   * are the values.
   */
  #closeCycle(cell: number): void {
    const from = this.#stack.findLastIndex((frame) => frame.cell === cell);
    const members = this.#stack.slice(from);
    const path = sortedBy(
      members.map((frame) => this.commons.names.name(frame.cell)),
      (name) => `${name.kind}\u0000${name.key}`,
    );
    const error = new QueryError(path[0] ?? this.commons.names.name(cell), new CycleError(path));
    for (const frame of members) frame.cycle = error;
  }

  /** Leaves every cell that was in work as dirty as it was. */
  abandon(): void {
    for (const frame of this.#stack) this.cells.mark(frame.cell, ACTIVE, false);
    this.#stack.length = 0;
  }
}

const failure = (error: QueryError): Content => ({ value: error, hash: error.message, failed: true });

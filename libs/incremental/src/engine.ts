import { sortedBy } from '#libs/kernel';
import { ACTIVE, Cells, CHECK, CLEAN, type Content, CYCLIC, DIRTY, type KindTable } from './cells.js';
import { type Frame, RunContext } from './context.js';
import { Edges, NO_EDGE } from './edges.js';
import type { AnyKind, GraphCounters, Outcome } from './types.js';
import { CycleError, GraphFault, QueryError } from './types.js';

/**
 * Queries nested on the native stack. A deeper read suspends all of them: what it asks for is computed first, from an
 * empty native stack, then they run again. So depth costs up to twice the runs, and never a stack overflow.
 */
const MAX_NESTED_RUNS = 64;

/** Thrown through suspended queries; their frames stay on the engine's own stack. */
const SUSPEND = new Error('suspended');

/** Where an engine finds what it has no cell for yet. */
export interface Source {
  /** Members of an index by key, asked once, when the engine meets the kind. May throw `GraphFault`. */
  open(kind: AnyKind): ReadonlyMap<string, readonly string[]>;
  /** Gives a new cell its first content and state. */
  admit(cell: number): void;
  /** Called before the recorded reads of a cell in state CHECK are walked. */
  complete(cell: number): void;
}

/** Cells, who reads whom, and the one algorithm: verify by recorded reads, run what must, stop at equal hashes. */
export class Engine {
  readonly cells = new Cells();
  readonly edges = new Edges();
  /** Cells whose recorded reads changed, in order, since whoever empties this did; forks follow it. */
  relinked: number[] = [];
  /** Grows with every change of inputs; orders changes and verifications. */
  tick = 1;
  readonly #source: Source;
  readonly #counters = { verified: 0, run: 0, edges: 0 };
  readonly #stack: Frame[] = [];
  #nested = 0;
  #wanted = 0;
  /** What is being thrown through nested queries. Kept, so that a query that swallows it cannot go on. */
  #abort: unknown;

  constructor(source: Source) {
    this.#source = source;
  }

  get counters(): GraphCounters {
    return { ...this.#counters };
  }

  /** True while a query runs or is verified. */
  get busy(): boolean {
    return this.#stack.length > 0;
  }

  /** The cell of this kind and key; makes it if need be. */
  cell(kind: AnyKind, key: string): number {
    const table = this.open(kind);
    const known = table.ids.get(key);
    if (known !== undefined) return known;
    const cell = this.cells.add(table, key);
    this.#source.admit(cell);
    return cell;
  }

  /** Brings a cell up to date with the inputs. */
  settle(root: number): void {
    if (this.cells.state(root) === CLEAN) return;
    if (this.busy) throw new GraphFault('a query read the graph other than through its context');
    let next = root;
    for (;;) {
      try {
        this.#push(next);
        this.#drive(0);
        return;
      } catch (thrown) {
        this.#abort = undefined;
        if (thrown !== SUSPEND) {
          this.#abandon();
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

  /** Marks everything that reads these cells, directly or not, as to be checked. `met` hears of each newly marked cell. */
  invalidate(changed: readonly number[], met: (cell: number) => void): void {
    const pending = [...changed];
    for (let cell = pending.pop(); cell !== undefined; cell = pending.pop()) {
      for (let edge = this.edges.firstReader(cell); edge !== NO_EDGE; edge = this.edges.nextReader(edge)) {
        this.#counters.edges += 1;
        const reader = this.edges.reader(edge);
        if (this.cells.state(reader) !== CLEAN) continue;
        this.cells.setState(reader, this.cells.has(reader, CYCLIC) ? DIRTY : CHECK);
        met(reader);
        pending.push(reader);
      }
    }
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

  /** Makes the table of a kind that is new to this engine; nothing happens if it is known. */
  open(kind: AnyKind): KindTable {
    const known = this.cells.tables.get(kind);
    if (known) return known;
    const members = this.#source.open(kind);
    const table = this.cells.addTable(kind);
    for (const [key, list] of members) {
      this.cells.setContent(this.cells.add(table, key), { value: list, hash: '', failed: false });
    }
    return table;
  }

  #push(cell: number): void {
    this.#counters.verified += 1;
    if (this.cells.state(cell) === CHECK) this.#source.complete(cell);
    this.cells.mark(cell, ACTIVE, true);
    this.#stack.push({ cell, edge: this.edges.firstRead(cell), reads: undefined, cycle: undefined });
  }

  #drive(base: number): void {
    while (this.#stack.length > base) {
      const top = this.#stack.at(-1);
      if (top) this.#step(top);
    }
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
    this.#counters.edges += 1;
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
    const kind = this.cells.kind(cell);
    if (kind.type !== 'query') throw new GraphFault(`${kind.name} is no query`);
    this.#counters.run += 1;
    this.#nested += 1;
    frame.reads = new Set();
    const context = new RunContext(this, frame);
    let content: Content;
    try {
      const value = kind.run(context, this.cells.key(cell));
      content = { value, hash: kind.hash(value as never), failed: false };
    } catch (thrown) {
      if (thrown instanceof GraphFault) throw thrown;
      content = failure(thrown instanceof QueryError ? thrown : new QueryError(this.cells.name(cell), thrown));
    } finally {
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
    if (frame.reads) {
      if (this.edges.replace(cell, frame.reads)) this.relinked.push(cell);
    } else if (frame.edge !== NO_EDGE) {
      this.edges.truncate(frame.edge);
      this.relinked.push(cell);
    }
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
      members.map((frame) => this.cells.name(frame.cell)),
      (name) => `${name.kind}\u0000${name.key}`,
    );
    const error = new QueryError(path[0] ?? this.cells.name(cell), new CycleError(path));
    for (const frame of members) frame.cycle = error;
  }

  /** Leaves every cell that was in work as dirty as it was. */
  #abandon(): void {
    for (const frame of this.#stack) this.cells.mark(frame.cell, ACTIVE, false);
    this.#stack.length = 0;
  }
}

const failure = (error: QueryError): Content => ({ value: error, hash: error.message, failed: true });

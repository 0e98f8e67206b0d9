import { Boxes, Numbers } from './columns.js';
import type { QueryError } from './types.js';

/** This version has not met the cell. */
export const ABSENT = 0;
/** The value is that of the present inputs. Inputs and indexes always are. */
export const CLEAN = 1;
/** Something below may have changed: the recorded reads decide. */
export const CHECK = 2;
/** Has to run: never ran, or a recorded read is known to have changed. */
export const DIRTY = 3;
export type CellState = typeof ABSENT | typeof CLEAN | typeof CHECK | typeof DIRTY;

/** The value is a `QueryError`. */
export const FAILED = 1;
/** The `QueryError` is that of a cycle the cell lies on: its recorded reads cannot be verified one by one. */
export const CYCLIC = 2;
/** Being verified or run. */
export const ACTIVE = 4;

/** Hash of a cell that never had content, and of an input that is absent. No content has it. */
export const NO_CONTENT = '\u0000none';

/** What a cell holds, as one value. */
export interface Content {
  readonly value: unknown;
  readonly hash: string;
  readonly failed: boolean;
}

/** An absent input. */
export const NOTHING: Content = { value: undefined, hash: NO_CONTENT, failed: false };

/** What one version of a graph knows of its cells, as columns by id. Edges live apart. */
export class Cells {
  #count = 0;
  #value = new Boxes<unknown>();
  #hash = new Boxes<string>();
  #state = new Numbers(Uint8Array);
  #traits = new Numbers(Uint8Array);
  #changedAt = new Numbers(Float64Array);
  #verifiedAt = new Numbers(Float64Array);
  #observers = new Numbers(Int32Array);
  #listed = new Boxes<Int32Array>();

  clone(): Cells {
    const clone = new Cells();
    clone.#count = this.#count;
    clone.#value = this.#value.clone();
    clone.#hash = this.#hash.clone();
    clone.#state = this.#state.clone();
    clone.#traits = this.#traits.clone();
    clone.#changedAt = this.#changedAt.clone();
    clone.#verifiedAt = this.#verifiedAt.clone();
    clone.#observers = this.#observers.clone();
    clone.#listed = this.#listed.clone();
    return clone;
  }

  /** Cells that this version has met. */
  get count(): number {
    return this.#count;
  }

  /** Makes a clean cell without content. */
  add(cell: number): void {
    this.#count += 1;
    this.#state.set(cell, CLEAN);
    this.#traits.set(cell, 0);
    this.#value.set(cell, undefined);
    this.#hash.set(cell, NO_CONTENT);
    this.#changedAt.set(cell, 0);
    this.#verifiedAt.set(cell, 0);
  }

  drop(cell: number): void {
    if (this.state(cell) === ABSENT) return;
    this.#count -= 1;
    this.#state.set(cell, ABSENT);
    this.#value.set(cell, undefined);
    this.#hash.set(cell, undefined);
  }

  value(cell: number): unknown {
    return this.#value.get(cell);
  }

  hash(cell: number): string {
    return this.#hash.get(cell) ?? NO_CONTENT;
  }

  /** Why the cell has no value. */
  error(cell: number): QueryError | undefined {
    return this.has(cell, FAILED) ? (this.value(cell) as QueryError) : undefined;
  }

  content(cell: number): Content {
    return { value: this.value(cell), hash: this.hash(cell), failed: this.has(cell, FAILED) };
  }

  setContent(cell: number, content: Content): void {
    this.#value.set(cell, content.value);
    this.#hash.set(cell, content.hash);
    this.mark(cell, FAILED, content.failed);
  }

  /** Whether the cell holds this very content, by hash. */
  holds(cell: number, content: Content): boolean {
    return this.hash(cell) === content.hash && this.has(cell, FAILED) === content.failed;
  }

  state(cell: number): CellState {
    return this.#state.get(cell) as CellState;
  }

  setState(cell: number, state: CellState): void {
    this.#state.set(cell, state);
  }

  has(cell: number, trait: number): boolean {
    return (this.#traits.get(cell) & trait) !== 0;
  }

  mark(cell: number, trait: number, on: boolean): void {
    const before = this.#traits.get(cell);
    const after = on ? before | trait : before & ~trait;
    if (after !== before) this.#traits.set(cell, after);
  }

  /** Tick at which the content last changed. */
  changedAt(cell: number): number {
    return this.#changedAt.get(cell);
  }

  setChangedAt(cell: number, tick: number): void {
    this.#changedAt.set(cell, tick);
  }

  /** Tick at which the content was last known to be that of the inputs. */
  verifiedAt(cell: number): number {
    return this.#verifiedAt.get(cell);
  }

  setVerifiedAt(cell: number, tick: number): void {
    this.#verifiedAt.set(cell, tick);
  }

  /** How many observe the cell, observed cells that list it among them. */
  observers(cell: number): number {
    return this.#observers.get(cell);
  }

  setObservers(cell: number, count: number): void {
    this.#observers.set(cell, count);
  }

  /** Cells that this one, as it was last followed, makes observed; none before, and while it is not observed itself. */
  listed(cell: number): Int32Array | undefined {
    return this.#listed.get(cell);
  }

  setListed(cell: number, cells: Int32Array | undefined): void {
    this.#listed.set(cell, cells);
  }
}

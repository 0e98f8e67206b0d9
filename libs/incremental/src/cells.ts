import type { AnyKind, CellName } from './types.js';
import { GraphFault, type QueryError } from './types.js';

/** The value is that of the present inputs. Inputs and indexes always are. */
export const CLEAN = 0;
/** Something below may have changed: the recorded reads decide. */
export const CHECK = 1;
/** Has to run: never ran, or a recorded read is known to have changed. */
export const DIRTY = 2;
export type CellState = typeof CLEAN | typeof CHECK | typeof DIRTY;

/** The value is a `QueryError`. */
export const FAILED = 1;
/** The `QueryError` is that of a cycle the cell lies on: its recorded reads cannot be verified one by one. */
export const CYCLIC = 2;
/** Being verified or run. */
export const ACTIVE = 4;
/** Of a fork: the recorded reads are still to be taken over from the parent. */
export const DEFERRED = 8;

/** Hash of a cell that never had content, and of an input that is absent. No content has it. */
export const NO_CONTENT = '\u0000none';

/** The cells of one kind by key. */
export interface KindTable {
  readonly kind: AnyKind;
  readonly ids: Map<string, number>;
}

/** What a cell holds, as one value. */
export interface Content {
  readonly value: unknown;
  readonly hash: string;
  readonly failed: boolean;
}

/** All cells as columns by dense integer id; ids of dropped cells are used again. Edges live apart. */
export class Cells {
  readonly tables = new Map<AnyKind, KindTable>();
  readonly #names = new Set<string>();
  readonly #table: (KindTable | undefined)[] = [];
  readonly #key: string[] = [];
  readonly #value: unknown[] = [];
  readonly #hash: string[] = [];
  #state = new Uint8Array(64);
  #traits = new Uint8Array(64);
  #changedAt = new Float64Array(64);
  #verifiedAt = new Float64Array(64);
  readonly #free: number[] = [];

  /** Cells that exist. */
  get count(): number {
    return this.#key.length - this.#free.length;
  }

  /** One more than the largest id ever used. */
  get limit(): number {
    return this.#key.length;
  }

  /** @throws GraphFault when another kind of this graph has the same name: explanations would be ambiguous. */
  addTable(kind: AnyKind): KindTable {
    if (this.#names.has(kind.name)) throw new GraphFault(`two kinds of one graph are named ${kind.name}`);
    const table: KindTable = { kind, ids: new Map() };
    this.#names.add(kind.name);
    this.tables.set(kind, table);
    return table;
  }

  find(kind: AnyKind, key: string): number | undefined {
    return this.tables.get(kind)?.ids.get(key);
  }

  /** Makes a clean cell without content. */
  add(table: KindTable, key: string): number {
    const cell = this.#free.pop() ?? this.#key.length;
    if (cell >= this.#state.length) this.#grow();
    this.#table[cell] = table;
    this.#key[cell] = key;
    this.#value[cell] = undefined;
    this.#hash[cell] = NO_CONTENT;
    this.#state[cell] = CLEAN;
    this.#traits[cell] = 0;
    this.#changedAt[cell] = 0;
    this.#verifiedAt[cell] = 0;
    table.ids.set(key, cell);
    return cell;
  }

  drop(cell: number): void {
    this.#table[cell]?.ids.delete(this.key(cell));
    this.#table[cell] = undefined;
    this.#key[cell] = '';
    this.#value[cell] = undefined;
    this.#hash[cell] = '';
    this.#free.push(cell);
  }

  exists(cell: number): boolean {
    return this.#table[cell] !== undefined;
  }

  kind(cell: number): AnyKind {
    const table = this.#table[cell];
    if (!table) throw new GraphFault(`cell ${cell} does not exist`);
    return table.kind;
  }

  key(cell: number): string {
    return this.#key[cell] ?? '';
  }

  name(cell: number): CellName {
    return { kind: this.kind(cell).name, key: this.key(cell) };
  }

  value(cell: number): unknown {
    return this.#value[cell];
  }

  hash(cell: number): string {
    return this.#hash[cell] ?? NO_CONTENT;
  }

  /** Why the cell has no value. */
  error(cell: number): QueryError | undefined {
    return this.has(cell, FAILED) ? (this.#value[cell] as QueryError) : undefined;
  }

  content(cell: number): Content {
    return { value: this.#value[cell], hash: this.hash(cell), failed: this.has(cell, FAILED) };
  }

  setContent(cell: number, content: Content): void {
    this.#value[cell] = content.value;
    this.#hash[cell] = content.hash;
    this.mark(cell, FAILED, content.failed);
  }

  /** Whether the cell holds this very content, by hash. */
  holds(cell: number, content: Content): boolean {
    return this.hash(cell) === content.hash && this.has(cell, FAILED) === content.failed;
  }

  state(cell: number): CellState {
    return this.#state[cell] as CellState;
  }

  setState(cell: number, state: CellState): void {
    this.#state[cell] = state;
  }

  has(cell: number, trait: number): boolean {
    return ((this.#traits[cell] ?? 0) & trait) !== 0;
  }

  mark(cell: number, trait: number, on: boolean): void {
    const before = this.#traits[cell] ?? 0;
    this.#traits[cell] = on ? before | trait : before & ~trait;
  }

  /** Tick at which the content last changed. */
  changedAt(cell: number): number {
    return this.#changedAt[cell] ?? 0;
  }

  setChangedAt(cell: number, tick: number): void {
    this.#changedAt[cell] = tick;
  }

  /** Tick at which the content was last known to be that of the inputs. */
  verifiedAt(cell: number): number {
    return this.#verifiedAt[cell] ?? 0;
  }

  setVerifiedAt(cell: number, tick: number): void {
    this.#verifiedAt[cell] = tick;
  }

  #grow(): void {
    const capacity = this.#state.length * 2;
    const state = new Uint8Array(capacity);
    const traits = new Uint8Array(capacity);
    const changedAt = new Float64Array(capacity);
    const verifiedAt = new Float64Array(capacity);
    state.set(this.#state);
    traits.set(this.#traits);
    changedAt.set(this.#changedAt);
    verifiedAt.set(this.#verifiedAt);
    this.#state = state;
    this.#traits = traits;
    this.#changedAt = changedAt;
    this.#verifiedAt = verifiedAt;
  }
}

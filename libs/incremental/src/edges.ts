import { Numbers } from './columns.js';

/** "No edge"; edges count from 1, so zero-filled arrays hold none. */
export const NO_EDGE = 0;

/** Fields of an edge in the pool. */
const READER = 0;
const TARGET = 1;
const NEXT_READ = 2;
const NEXT_READER = 3;
const PREVIOUS_READER = 4;
const WIDTH = 5;

/**
 * Who reads whom, as linked lists in one array of integers: 20 bytes an edge, constant time to add and to remove, so
 * that a cell with ten thousand readers costs no more to leave than one with two.
 */
export class Edges {
  #pool = new Numbers(Int32Array);
  #size = 1;
  #free = NO_EDGE;
  #reads = new Numbers(Int32Array);
  #readers = new Numbers(Int32Array);

  clone(): Edges {
    const clone = new Edges();
    clone.#pool = this.#pool.clone();
    clone.#size = this.#size;
    clone.#free = this.#free;
    clone.#reads = this.#reads.clone();
    clone.#readers = this.#readers.clone();
    return clone;
  }

  /** First read of a cell, in the order in which its query made them. */
  firstRead(cell: number): number {
    return this.#reads.get(cell);
  }

  nextRead(edge: number): number {
    return this.#at(edge, NEXT_READ);
  }

  /** The cell that is read. */
  target(edge: number): number {
    return this.#at(edge, TARGET);
  }

  /** First edge from a reader of this cell, in no particular order. */
  firstReader(cell: number): number {
    return this.#readers.get(cell);
  }

  nextReader(edge: number): number {
    return this.#at(edge, NEXT_READER);
  }

  /** The cell that reads. */
  reader(edge: number): number {
    return this.#at(edge, READER);
  }

  /** The cells that `cell` reads, in order. */
  reads(cell: number): number[] {
    const targets: number[] = [];
    for (let edge = this.firstRead(cell); edge !== NO_EDGE; edge = this.nextRead(edge)) targets.push(this.target(edge));
    return targets;
  }

  /** Records what `cell` reads now. False when nothing changed, order included. */
  replace(cell: number, targets: Iterable<number>): boolean {
    const list = [...targets];
    if (this.#same(cell, list)) return false;
    this.clear(cell);
    let next = NO_EDGE;
    for (const target of list.reverse()) next = this.#add(cell, target, next);
    this.#reads.set(cell, next);
    return true;
  }

  /** Forgets the reads of `cell` that come after `last`. */
  truncate(last: number): void {
    this.#release(this.nextRead(last));
    this.#put(last, NEXT_READ, NO_EDGE);
  }

  /** Forgets all reads of `cell`. Who reads it stays. */
  clear(cell: number): void {
    if (this.firstRead(cell) === NO_EDGE) return;
    this.#release(this.firstRead(cell));
    this.#reads.set(cell, NO_EDGE);
  }

  #same(cell: number, targets: readonly number[]): boolean {
    let edge = this.firstRead(cell);
    for (const target of targets) {
      if (edge === NO_EDGE || this.target(edge) !== target) return false;
      edge = this.nextRead(edge);
    }
    return edge === NO_EDGE;
  }

  #add(reader: number, target: number, nextRead: number): number {
    const edge = this.#take();
    const nextReader = this.firstReader(target);
    this.#put(edge, READER, reader);
    this.#put(edge, TARGET, target);
    this.#put(edge, NEXT_READ, nextRead);
    this.#put(edge, NEXT_READER, nextReader);
    this.#put(edge, PREVIOUS_READER, NO_EDGE);
    if (nextReader !== NO_EDGE) this.#put(nextReader, PREVIOUS_READER, edge);
    this.#readers.set(target, edge);
    return edge;
  }

  /** Gives an edge and the reads after it back to the pool. */
  #release(first: number): void {
    let edge = first;
    while (edge !== NO_EDGE) {
      const after = this.nextRead(edge);
      const previous = this.#at(edge, PREVIOUS_READER);
      const next = this.nextReader(edge);
      if (previous === NO_EDGE) this.#readers.set(this.target(edge), next);
      else this.#put(previous, NEXT_READER, next);
      if (next !== NO_EDGE) this.#put(next, PREVIOUS_READER, previous);
      this.#put(edge, NEXT_READ, this.#free);
      this.#free = edge;
      edge = after;
    }
  }

  #take(): number {
    if (this.#free !== NO_EDGE) {
      const edge = this.#free;
      this.#free = this.nextRead(edge);
      return edge;
    }
    this.#size += 1;
    return this.#size - 1;
  }

  #at(edge: number, field: number): number {
    return this.#pool.get(edge * WIDTH + field);
  }

  #put(edge: number, field: number, value: number): void {
    this.#pool.set(edge * WIDTH + field, value);
  }
}

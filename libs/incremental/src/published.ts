import type { Cells, Content } from './cells.js';

/** What observed cells are compared with. */
export interface Reported {
  has(cell: number): boolean;
  holds(cell: number, content: Content): boolean;
}

/** What the pass that a version is of has said, whatever later ones say: its observed cells, which are all settled. */
export const reportedBy = (cells: Cells): Reported => ({
  has: (cell) => cells.observers(cell) > 0,
  holds: (cell, content) => cells.observers(cell) > 0 && cells.holds(cell, content),
});

/** What the last pass that reported a cell said of it, by hash. */
export class Published implements Reported {
  readonly #hash: (string | undefined)[] = [];
  readonly #failed = new Set<number>();

  has(cell: number): boolean {
    return this.#hash[cell] !== undefined;
  }

  holds(cell: number, { hash, failed }: Content): boolean {
    return this.#hash[cell] === hash && this.#failed.has(cell) === failed;
  }

  set(cell: number, { hash, failed }: Content): void {
    while (this.#hash.length < cell) this.#hash.push(undefined);
    this.#hash[cell] = hash;
    if (failed) this.#failed.add(cell);
    else this.#failed.delete(cell);
  }

  delete(cell: number): void {
    this.#hash[cell] = undefined;
    this.#failed.delete(cell);
  }
}

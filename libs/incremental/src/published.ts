import type { Content } from './cells.js';

/** What the last pass that reported a cell said of it, by hash. */
export class Published {
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

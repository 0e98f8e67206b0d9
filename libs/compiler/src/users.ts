import type { AnyQuery, Graph } from '#libs/incremental';

/** Cells of one level with the number of their users. A cell is observed in the graph exactly while it has any. */
export class Users {
  readonly #counts = new Map<string, number>();
  readonly #graph: Graph;
  readonly #find: (cell: string) => { readonly query: AnyQuery; readonly key: string };

  constructor(graph: Graph, find: (cell: string) => { readonly query: AnyQuery; readonly key: string }) {
    this.#graph = graph;
    this.#find = find;
  }

  has(cell: string): boolean {
    return this.#counts.has(cell);
  }

  count(cell: string): number {
    return this.#counts.get(cell) ?? 0;
  }

  add(cell: string): void {
    const count = this.count(cell);
    this.#counts.set(cell, count + 1);
    if (count > 0) return;
    const { query, key } = this.#find(cell);
    this.#graph.observe(query, key);
  }

  /** Returns true when nobody uses the cell any more. */
  drop(cell: string): boolean {
    const count = this.count(cell) - 1;
    if (count > 0) {
      this.#counts.set(cell, count);
      return false;
    }
    this.#counts.delete(cell);
    const { query, key } = this.#find(cell);
    this.#graph.unobserve(query, key);
    return true;
  }
}

import type { AnyQuery, CellChange, Graph, QueryKind } from '#libs/incremental';
import { invariant } from '#libs/kernel';
import { LAYERS, RESOURCES, VIEW } from './layers.js';
import { resourceCell, splitCell } from './names.js';
import { Users } from './users.js';

/** Finds the query of a resource or layer cell. */
export function queryOf<V>(
  queries: ReadonlyMap<string, QueryKind<V>>,
  cell: string,
): { readonly query: QueryKind<V>; readonly key: string } {
  const { query: name, key } = splitCell(cell);
  const query = queries.get(name);
  invariant(query, `${cell} is made by no query`);
  return { query, key };
}

/** What left since it was last asked for. */
export interface Gone {
  readonly resources: readonly string[];
  readonly layers: readonly string[];
  readonly views: readonly string[];
}

/**
 * From registered instances down: instance -> view -> layers -> resources. Exactly what some view lists is observed, so
 * a resource that no proxy may see costs nothing.
 */
export class Roots {
  readonly #graph: Graph;
  readonly layers: Users;
  readonly resources: Users;
  /** Layer cells of each registered instance, in order; empty until the pass that compiles it. */
  readonly views = new Map<string, readonly string[]>();
  /** Resource cells of each layer in use. */
  readonly layerKeys = new Map<string, readonly string[]>();
  #gone = { resources: new Set<string>(), layers: new Set<string>(), views: new Set<string>() };

  constructor(graph: Graph) {
    this.#graph = graph;
    this.layers = new Users(graph, (cell): { query: AnyQuery; key: string } => queryOf(LAYERS, cell));
    this.resources = new Users(graph, (cell): { query: AnyQuery; key: string } => queryOf(RESOURCES, cell));
  }

  addInstance(key: string): void {
    if (this.views.has(key)) return;
    this.views.set(key, []);
    this.#graph.observe(VIEW, key);
  }

  removeInstance(key: string): void {
    if (!this.views.has(key)) return;
    this.#setView(key, []);
    this.views.delete(key);
    this.#graph.unobserve(VIEW, key);
    this.#gone.views.add(key);
  }

  /** Follows what a round of a pass changed; what it comes to observe makes the next round. */
  follow(changes: readonly CellChange[]): void {
    for (const { kind, key, value, error } of changes) {
      if (error) continue;
      if (kind === VIEW.name) this.#setView(key, value as readonly string[]);
      else if (LAYERS.has(kind)) this.#setLayer(resourceCell(kind, key), value as readonly string[]);
    }
  }

  takeGone(): Gone {
    const { resources, layers, views } = this.#gone;
    this.#gone = { resources: new Set(), layers: new Set(), views: new Set() };
    return {
      resources: [...resources].filter((cell) => !this.resources.has(cell)),
      layers: [...layers].filter((cell) => !this.layers.has(cell)),
      views: [...views].filter((key) => !this.views.has(key)),
    };
  }

  #setView(key: string, cells: readonly string[]): void {
    const before = this.views.get(key);
    if (!before) return;
    this.views.set(key, cells);
    for (const cell of cells) this.layers.add(cell);
    for (const cell of before) if (this.layers.drop(cell)) this.#dropLayer(cell);
  }

  #setLayer(cell: string, keys: readonly string[]): void {
    if (!this.layers.has(cell)) return;
    const before = this.layerKeys.get(cell) ?? [];
    this.layerKeys.set(cell, keys);
    this.#exchange(before, keys);
  }

  #dropLayer(cell: string): void {
    this.#exchange(this.layerKeys.get(cell) ?? [], []);
    this.layerKeys.delete(cell);
    this.#gone.layers.add(cell);
  }

  #exchange(before: readonly string[], after: readonly string[]): void {
    const old = new Set(before);
    const now = new Set(after);
    for (const cell of now) if (!old.has(cell)) this.resources.add(cell);
    for (const cell of old) if (!now.has(cell) && this.resources.drop(cell)) this.#gone.resources.add(cell);
  }
}

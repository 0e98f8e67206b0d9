import type { Fork, QueryKind } from '#libs/incremental';
import { type ResourceId, resourceKey } from '#libs/model';
import { CONDITIONS } from './conditions.js';
import { LAYERS, RESOURCES, VIEW } from './layers.js';
import { resourceCell } from './names.js';
import { resourceId } from './publication.js';
import { queryOf, type Roots } from './roots.js';
import type { Condition } from './types.js';

/** Resource keys that a set of proposed writes would touch, sorted. */
export interface ForkChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/**
 * The mesh as it would be after some writes: a preview that changes nothing. Good until the graph's next pass that changes
 * an input; then every method throws `GraphFault`.
 */
export class MeshFork {
  readonly #mesh: string;
  readonly #fork: Fork;
  readonly #roots: Roots;

  constructor(mesh: string, fork: Fork, roots: Roots) {
    this.#mesh = mesh;
    this.#fork = fork;
    this.#roots = roots;
  }

  conditions(id: ResourceId): readonly Condition[] {
    return this.#fork.read(CONDITIONS, resourceKey(id));
  }

  /** What registered instances would see come, change and go. Costs what the writes touch. */
  changes(): ForkChanges {
    const changes = this.#fork.changes();
    const users = this.#changedUsers(
      changes.filter((change) => change.kind === VIEW.name).map((change) => change.key),
      changes.filter((change) => LAYERS.has(change.kind)).map((change) => resourceCell(change.kind, change.key)),
    );
    const after = (cell: string): number => this.#roots.resources.count(cell) + (users.get(cell) ?? 0);
    const touched = [...users.keys()];
    const isNew = (cell: string): boolean => !this.#roots.resources.has(cell);
    const differs = changes.filter((c) => RESOURCES.has(c.kind)).map((c) => resourceCell(c.kind, c.key));
    return {
      added: this.#printed(touched.filter((cell) => isNew(cell) && after(cell) > 0)),
      changed: this.#printed(differs.filter((cell) => after(cell) > 0)),
      removed: this.#printed(touched.filter((cell) => !isNew(cell) && after(cell) === 0)),
    };
  }

  #printed(cells: readonly string[]): readonly string[] {
    return cells.map((cell) => resourceId(this.#mesh, cell)).sort();
  }

  /** By how much the number of layers that list a resource would change. */
  #changedUsers(views: readonly string[], layers: readonly string[]): ReadonlyMap<string, number> {
    const ofLayers = new Map<string, number>();
    for (const view of views) {
      for (const cell of this.#roots.views.get(view) ?? []) count(ofLayers, cell, -1);
      for (const cell of this.#read(VIEW, view)) count(ofLayers, cell, 1);
    }
    const ofResources = new Map<string, number>();
    for (const cell of new Set([...layers, ...ofLayers.keys()])) {
      const before = this.#roots.layers.count(cell) > 0;
      const after = this.#roots.layers.count(cell) + (ofLayers.get(cell) ?? 0) > 0;
      const { query, key } = queryOf(LAYERS, cell);
      if (before) for (const resource of this.#roots.layerKeys.get(cell) ?? []) count(ofResources, resource, -1);
      if (after) for (const resource of this.#read(query, key)) count(ofResources, resource, 1);
    }
    return ofResources;
  }

  /** A list that fails to compile is withheld, as a pass would do. */
  #read(query: QueryKind<readonly string[]>, key: string): readonly string[] {
    const outcome = this.#fork.tryRead(query, key);
    return outcome.ok ? outcome.value : [];
  }
}

const count = (counts: Map<string, number>, cell: string, by: number): void => {
  counts.set(cell, (counts.get(cell) ?? 0) + by);
};

import type { CellName, Fork, GraphCounters } from '#libs/incremental';
import { type ResourceId, resourceKey } from '#libs/model';
import { CONDITIONS } from './conditions.js';
import { RESOURCES } from './layers.js';
import { resourceCell } from './names.js';
import { resourceId } from './publication.js';
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

  constructor(mesh: string, fork: Fork) {
    this.#mesh = mesh;
    this.#fork = fork;
  }

  conditions(id: ResourceId): readonly Condition[] {
    return this.#fork.read(CONDITIONS, resourceKey(id));
  }

  /** What registered instances would see come, change and go. Costs what the writes touch. */
  changes(): ForkChanges {
    const { changed, gone } = this.#fork.changes();
    return {
      added: this.#printed(changed.filter((change) => change.isNew)),
      changed: this.#printed(changed.filter((change) => !change.isNew)),
      removed: this.#printed(gone),
    };
  }

  /** Work done for this preview. */
  get counters(): GraphCounters {
    return this.#fork.counters;
  }

  #printed(cells: readonly CellName[]): readonly string[] {
    return cells
      .filter(({ kind }) => RESOURCES.has(kind))
      .map(({ kind, key }) => resourceId(this.#mesh, resourceCell(kind, key)))
      .sort();
  }
}

import { type CompiledChange, isNothing, type MeshGraph, type MeshLane, together, type Writes } from '#libs/compiler';
import type { PassBudget } from '#libs/incremental';

/** An open staged change, as the graph can take it. */
export interface OpenChange {
  readonly id: string;
  /** Config revision of its newest step. */
  readonly revision: number;
  readonly members: ReadonlySet<string>;
  readonly writes: Writes;
}

/**
 * The lane of a mesh, if a staged change is open: what its members see in place of what everybody sees. Its steps count
 * from the publication on that they were committed with, so what is promoted is everybody's in the same moment.
 */
export class MeshLanes {
  readonly #graph: MeshGraph;
  /** As of the newest event that is being compiled. */
  #wanted: OpenChange | undefined;
  /** As published, or about to be. */
  #current: { readonly change: OpenChange; readonly lane: MeshLane } | undefined;
  #isBehind = false;
  /** Revision of the step that was told last. */
  #told = 0;

  constructor(graph: MeshGraph) {
    this.#graph = graph;
  }

  /** Takes effect when the event that it came with is published. */
  want(change: OpenChange | undefined): void {
    this.#wanted = change;
  }

  /** True while `step` has something to do. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  get open(): OpenChange | undefined {
    return this.#current?.change;
  }

  /** Whether the open change has a resource of its own of this type and name. */
  differsIn(type: string, name: string): boolean {
    return this.#current?.lane.differsIn(type, name) ?? false;
  }

  /** What was wanted holds from now on: with this change of the mesh as it is to be published. */
  adopt(compiled: CompiledChange): CompiledChange {
    const wanted = this.#wanted;
    const current = this.#current;
    this.#isBehind = false;
    if (current && current.change.id !== wanted?.id) {
      this.#current = undefined;
      const over = together(current.lane.behind(compiled), current.lane.close());
      this.#enter(wanted);
      return over;
    }
    this.#enter(wanted);
    return this.behind(compiled);
  }

  /** A change of the mesh as it is to be published now. */
  behind(compiled: CompiledChange): CompiledChange {
    if (!this.#current) return compiled;
    this.#isBehind = true;
    return this.#current.lane.behind(compiled);
  }

  /** @returns what the lane has become, with the step that it is of; undefined when the budget was used up, or nothing is new */
  step(budget: PassBudget): { readonly compiled: CompiledChange; readonly of: OpenChange } | undefined {
    if (!this.#current?.lane.step(budget)) return undefined;
    this.#isBehind = false;
    const { change, lane } = this.#current;
    const compiled = lane.next();
    // Also a step that gives nobody anything else is told, once: whoever waits for it goes on.
    if (isNothing(compiled) && this.#told === change.revision) return undefined;
    this.#told = change.revision;
    return { compiled, of: change };
  }

  #enter(wanted: OpenChange | undefined): void {
    if (!wanted) return;
    const lane = this.#current?.lane ?? this.#graph.openLane(wanted.writes);
    lane.members = wanted.members;
    this.#current = { change: wanted, lane };
    this.#isBehind = true;
  }
}

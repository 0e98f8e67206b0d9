import { resourceToJson } from '#libs/envoy-api';
import type { CellName, Ctx, Fork, ForkRead, Graph, GraphCounters, PassBudget } from '#libs/incremental';
import { type ResourceId, resourceKey } from '#libs/model';
import { CONDITIONS } from './conditions.js';
import { failureOf } from './failing.js';
import { ForkDiff } from './fork-diff.js';
import { type CallerRoutes, callerRoutes } from './fork-routes.js';
import { ALL } from './inputs.js';
import { RESOURCES } from './layers.js';
import type { Published } from './publication.js';
import type { CompiledContent, Condition, ForkFailure, ResourceDiff } from './types.js';

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
  readonly #graph: Graph;
  readonly #fork: Fork;
  readonly #published: Published;
  #diff: ForkDiff | undefined;

  constructor(mesh: string, graph: Graph, fork: Fork, published: Published) {
    this.#mesh = mesh;
    this.#graph = graph;
    this.#fork = fork;
    this.#published = published;
  }

  /** False once every other method throws. */
  get isCurrent(): boolean {
    return this.#fork.isCurrent;
  }

  /** Why a cell would not compile; undefined = it would. */
  failureOf(cell: CellName): string | undefined {
    return failureOf(this.#fork, cell);
  }

  /** Computes in slices what all else is about; passes come meanwhile. @returns true once little is left */
  step(budget: PassBudget): boolean {
    return this.#fork.step(budget);
  }

  /** The inputs and queries of the fork, to be read by whoever judges the writes. */
  get ctx(): Ctx {
    return contextOf(this.#fork);
  }

  conditions(id: ResourceId): readonly Condition[] {
    return this.#fork.read(CONDITIONS, resourceKey(id));
  }

  /** What registered instances would see come, change and go. Costs what the writes touch. */
  changes(): ForkChanges {
    const { resources } = this.#compared();
    const keys = (pick: (diff: ResourceDiff) => boolean): readonly string[] =>
      resources.filter(pick).map(({ key }) => key);
    return {
      added: keys(({ before }) => !before),
      changed: keys(({ before, after }) => before !== undefined && after !== undefined),
      removed: keys(({ after }) => !after),
    };
  }

  /** The same with what each resource is before and after. */
  resources(): readonly ResourceDiff[] {
    return this.#compared().resources;
  }

  /** What compiles now and would not after the writes. */
  failures(): readonly ForkFailure[] {
    return this.#compared().failures;
  }

  /** Cells of resources that would come, change or go, by `<namespace>/<instance>`, for every registered proxy that would notice. */
  proxies(): ReadonlyMap<string, { readonly [Change in keyof ForkChanges]: readonly string[] }> {
    return this.#compared().touched();
  }

  /** What callers route requests by, before and after. */
  routes(): readonly CallerRoutes[] {
    return callerRoutes(this.#compared(), this.#graph, this.#fork);
  }

  /** What the resources that the writes might touch were made from outside of the fork, but for lists of everything. */
  reads(): readonly ForkRead[] {
    this.#compared();
    return this.#fork.reads(RESOURCES.values()).filter(({ type, key }) => type !== 'index' || key !== ALL);
  }

  /** Work done for this preview. */
  get counters(): GraphCounters {
    return this.#fork.counters;
  }

  #compared(): ForkDiff {
    this.#diff ??= new ForkDiff(this.#mesh, this.#graph, this.#fork, this.#published);
    return this.#diff;
  }
}

/** A graph or fork as a query would see it; nothing is recorded. */
export const contextOf = (source: Pick<Graph, 'input' | 'index' | 'read' | 'tryRead'>): Ctx => ({
  input: (kind, key) => source.input(kind, key),
  index: (kind, key) => source.index(kind, key),
  get: (kind, key) => source.read(kind, key),
  tryGet: (kind, key) => source.tryRead(kind, key),
});

/** A resource's message as protobuf JSON, with the contents of every Any. Compiled resources hold no secrets. */
export const contentFields = ({ type, bytes }: CompiledContent): unknown => resourceToJson(type, bytes);

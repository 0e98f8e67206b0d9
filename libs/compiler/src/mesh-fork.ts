import { resourceToJson } from '#libs/envoy-api';
import type {
  CellName,
  Ctx,
  Fork,
  ForkRead,
  GraphCounters,
  Override,
  PassBudget,
  PinnedGraph,
} from '#libs/incremental';
import { finish, type Steps } from '#libs/kernel';
import { type ResourceId, resourceKey } from '#libs/model';
import { CONDITIONS } from './conditions.js';
import { failureOf } from './failing.js';
import { ForkDiff } from './fork-diff.js';
import { type CallerRoutes, callerRoutes } from './fork-routes.js';
import { ALL } from './inputs.js';
import { RESOURCES } from './layers.js';
import type { PublishedViews } from './publication.js';
import type { CompiledContent, Condition, ForkFailure, ResourceDiff, Writes } from './types.js';

/** Resource keys that a set of proposed writes would touch, sorted. */
export interface ForkChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** Cells of resources that would come, change or go, by `<namespace>/<instance>`, for every registered proxy that would notice. */
export type TouchedProxies = ReadonlyMap<string, ForkChanges>;

/** The mesh as a fork found it: passes do not change it. */
export interface MeshBefore {
  /** Its inputs and queries, to be read by whoever judges the writes. */
  readonly ctx: Ctx;
  conditions(id: ResourceId): readonly Condition[];
  /** Registered proxies. */
  readonly proxies: number;
}

export interface MeshForkParts {
  readonly mesh: string;
  readonly fork: Fork;
  readonly published: PublishedViews;
  readonly writes: Writes;
  readonly overrides: (writes: Writes) => readonly Override[];
}

/** As large as a piece of work may be that costs about a millisecond. */
const PIECE: PassBudget = { grain: 256, exhausted: () => true };

/**
 * The mesh as it would be after some writes: a preview that changes nothing, and that no later pass changes. What would take
 * long has a form in steps beside the one that does all at once; what it computes is kept. Good until a sweep drops
 * something: then every method throws `GraphFault`. It is held back from that by `hold`.
 */
export class MeshFork {
  readonly #parts: MeshForkParts;
  readonly #fork: Fork;
  #comparing: Steps<ForkDiff> | undefined;
  #diff: ForkDiff | undefined;
  #touched: TouchedProxies | undefined;

  constructor(parts: MeshForkParts) {
    this.#parts = parts;
    this.#fork = parts.fork;
  }

  /** What it supposes. */
  get writes(): Writes {
    return this.#parts.writes;
  }

  /** The mesh as it was with other writes. */
  sibling(writes: Writes): MeshFork {
    const { overrides } = this.#parts;
    return new MeshFork({ ...this.#parts, writes, fork: this.#fork.sibling(overrides(writes)) });
  }

  get before(): MeshBefore {
    const { before } = this.#fork;
    return {
      ctx: contextOf(before),
      conditions: (id) => before.read(CONDITIONS, resourceKey(id)),
      proxies: this.#parts.published.views.size,
    };
  }

  /** No sweep ends it until it is released. */
  hold(): void {
    this.#fork.hold();
  }

  release(): void {
    this.#fork.release();
  }

  /** Why a cell would not compile; undefined = it would. */
  failureOf(cell: CellName): string | undefined {
    return failureOf(this.#fork, cell);
  }

  /** Computes in slices what `resources` and `failures` tell; passes come meanwhile. @returns true once that is done */
  step(budget: PassBudget): boolean {
    if (!this.#fork.step(budget)) return false;
    while (!this.#diff) {
      this.#compare();
      if (budget.exhausted()) return this.#diff !== undefined;
    }
    return true;
  }

  /** The same for whoever has no budget. */
  *computed(): Steps<this> {
    while (!this.step(PIECE)) yield;
    return this;
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

  proxies(): TouchedProxies {
    return finish(this.proxiesInSteps());
  }

  *proxiesInSteps(): Steps<TouchedProxies> {
    this.#touched ??= yield* this.#compared().touched();
    return this.#touched;
  }

  /** What callers route requests by, before and after. */
  routes(): readonly CallerRoutes[] {
    return finish(this.routesInSteps());
  }

  *routesInSteps(): Steps<readonly CallerRoutes[]> {
    return yield* callerRoutes(this.#compared(), yield* this.proxiesInSteps(), this.#fork);
  }

  /** What the resources that the writes might touch were made from outside of the fork, but for lists of everything. */
  reads(): readonly ForkRead[] {
    return finish(this.readsInSteps());
  }

  *readsInSteps(): Steps<readonly ForkRead[]> {
    this.#compared();
    const reads = yield* this.#fork.readsInSteps(RESOURCES.values());
    return reads.filter(({ type, key }) => type !== 'index' || key !== ALL);
  }

  /** Work done for this preview. */
  get counters(): GraphCounters {
    return this.#fork.counters;
  }

  #compared(): ForkDiff {
    while (!this.#diff) this.#compare();
    return this.#diff;
  }

  #compare(): void {
    const { mesh, published } = this.#parts;
    this.#comparing ??= ForkDiff.of(mesh, this.#fork, published);
    const { done, value } = this.#comparing.next();
    if (done) this.#diff = value;
  }
}

/** A graph or fork as a query would see it; nothing is recorded. */
export const contextOf = (source: PinnedGraph): Ctx => ({
  input: (kind, key) => source.input(kind, key),
  index: (kind, key) => source.index(kind, key),
  get: (kind, key) => source.read(kind, key),
  tryGet: (kind, key) => source.tryRead(kind, key),
});

/** A resource's message as protobuf JSON, with the contents of every Any. Compiled resources hold no secrets. */
export const contentFields = ({ type, bytes }: CompiledContent): unknown => resourceToJson(type, bytes);

import {
  type CellName,
  type Ctx,
  type Dependency,
  type Difference,
  Graph,
  type GraphCounters,
  type Override,
  override,
  type PassBudget,
} from '#libs/incremental';
import { sortedBy } from '#libs/kernel';
import {
  type DomainValue,
  type Instance,
  instanceSpecOf,
  type PolicyKind,
  type PolicySide,
  type PolicyTarget,
  type ResourceId,
  resourceKey,
} from '#libs/model';
import { CONDITIONS } from './conditions.js';
import { type FailingCell, FailingCells } from './failing.js';
import { INDEXED, idOfValue, resourceOfInput } from './input-ids.js';
import { ADDRESS, ALL, FEATURES, INSTANCE, ONCE, ROUTABLE, SETTINGS, WITHHELD } from './inputs.js';
import { MeshLane } from './lanes/mesh-lane.js';
import { RESOURCES } from './layers.js';
import { contextOf, MeshFork } from './mesh-fork.js';
import { isServerPolicy, type Placement, placementOf, removalOf } from './mesh-inputs.js';
import { destinationKey, resourceCell } from './names.js';
import { Preparation, Published, viewId } from './publication.js';
import { queryOf } from './query-of.js';
import type { CompiledChange, Condition, Writes } from './types.js';
import { VIEW } from './views.js';

export interface MeshGraphOptions {
  readonly mesh: string;
  /** Every policy kind that may be set. Their names are unique. */
  readonly policies: readonly PolicyKind[];
  /** The only instance that views are compiled for, `<namespace>/<name>`; default: all of them. */
  readonly only?: string | undefined;
}

/** A pass that is cut into slices. */
export interface MeshPass {
  /** Works until the budget is used up. @returns true once all is computed */
  step(budget: PassBudget): boolean;
  /** Computes what is left and says what is different. */
  adopt(): CompiledChange;
  /** Nothing has happened; what was set is taken over by the next pass. */
  abandon(): void;
}

/**
 * Everything of one mesh: stored resources and instances go in, Envoy resources and the views that may see them come
 * out. Nothing of another mesh can reach it. Set what changed, then `pass()`: its result is published at once or not at
 * all. The state is a function of what is set, whatever the order and history. Synchronous and pure.
 */
export class MeshGraph {
  readonly #mesh: string;
  readonly #only: string | undefined;
  readonly #kinds: readonly PolicyKind[];
  readonly #graph = new Graph();
  /** Instances whose views are observed from the next pass on. */
  readonly #registered = new Set<string>();
  readonly #published: Published;
  readonly #failing = new FailingCells(this.#graph);

  constructor(options: MeshGraphOptions) {
    this.#mesh = options.mesh;
    this.#only = options.only;
    this.#kinds = sortedBy(options.policies, (kind) => kind.kind);
    this.#published = new Published(options.mesh);
    this.#graph.set(SETTINGS, ONCE, {
      mesh: options.mesh,
      client: this.#kinds.filter((kind) => kind.side === 'client'),
      server: this.#kinds.filter((kind) => kind.side === 'server'),
      proxy: this.#kinds.filter((kind) => kind.side === 'proxy'),
    });
  }

  /** Sets a stored resource from the next pass on. */
  setResource(id: ResourceId, value: DomainValue): void {
    const placement = placementOf(this.#kinds, value);
    if (placement) this.#place(placement);
    this.#graph.remove(WITHHELD, resourceKey(id));
  }

  removeResource(id: ResourceId): void {
    this.#place(removalOf(this.#kinds, id));
    this.#graph.remove(WITHHELD, resourceKey(id));
  }

  /**
   * For a row that no longer parses. An access policy then denies everything to whom it concerned: its target if that can
   * still be read, else its whole namespace. Of others the last content that was set stays.
   */
  withhold(id: ResourceId, target?: PolicyTarget): void {
    const isAccess = isServerPolicy(this.#kinds, id.kind);
    if (isAccess) this.#place(removalOf(this.#kinds, id));
    const whole: PolicyTarget = { level: 'Namespace', kind: '', namespace: id.namespace, name: '', section: '' };
    this.#graph.set(WITHHELD, resourceKey(id), { id, denies: isAccess ? (target ?? whole) : undefined });
  }

  /** Registers an instance, or takes note of what became of it. */
  setInstance(instance: Instance): void {
    const key = destinationKey(instance.namespace, instance.name);
    // Without what changes often, and without what a caller's row may hold besides.
    this.#graph.set(INSTANCE, key, instanceSpecOf(instance));
    this.#graph.set(FEATURES, key, instance.features);
    this.#graph.set(ROUTABLE, key, instance.routable);
    if (this.#registered.has(key) || (this.#only !== undefined && this.#only !== key)) return;
    this.#registered.add(key);
    this.#graph.observe(VIEW, key);
  }

  removeInstance(namespace: string, name: string): void {
    const key = destinationKey(namespace, name);
    for (const input of [INSTANCE, FEATURES, ROUTABLE]) this.#graph.remove(input, key);
    if (this.#registered.delete(key)) this.#graph.unobserve(VIEW, key);
  }

  /** @param service `<namespace>/<name>` @param number 1 to 65535: its place in the /16 of every outbound address */
  setAddress(service: string, number: number): void {
    this.#graph.set(ADDRESS, service, number);
  }

  /** Takes over what was set, recompiles what it reaches, and says what is different. */
  pass(): CompiledChange {
    return this.#next(this.#graph.pass());
  }

  /**
   * The same in slices. What is set meanwhile, and taken over by `pass`, is published first and then part of this pass
   * too. @throws GraphFault when there is such a pass already
   */
  begin(): MeshPass {
    const pass = this.#graph.begin();
    const ready = new Preparation(this.#published);
    return {
      step: (budget) => pass.step(budget) && ready.step(pass.changes(), budget),
      adopt: () => this.#next(pass.adopt(), ready),
      abandon: () => pass.abandon(),
    };
  }

  #next(difference: Difference, ready?: Preparation): CompiledChange {
    const change = this.#published.next(difference, ready);
    this.#failing.note(difference);
    return change;
  }

  /** What does not compile as of the last pass, what closes a port for it included. */
  get failing(): readonly FailingCell[] {
    return this.#failing.list();
  }

  /** Who is governed by a kind of policy; undefined = it is no policy. */
  sideOf(kind: string): PolicySide | undefined {
    return this.#kinds.find((known) => known.kind === kind)?.side;
  }

  /** Id of an instance's view, once a pass has compiled it. */
  viewOf(namespace: string, instance: string): string | undefined {
    const key = destinationKey(namespace, instance);
    return this.#published.hasView(key) ? viewId(this.#mesh, key) : undefined;
  }

  /** Conditions of a stored resource as of the last pass; none if it was not there. @throws QueryError on a bug */
  conditions(id: ResourceId): readonly Condition[] {
    return this.#graph.read(CONDITIONS, resourceKey(id));
  }

  /** The mesh after some writes, without making them. */
  fork(writes: Writes): MeshFork {
    return new MeshFork({
      mesh: this.#mesh,
      fork: this.#graph.fork(this.#overrides(writes)),
      published: this.#published.snapshot(),
      writes,
      overrides: (others) => this.#overrides(others),
    });
  }

  /** The mesh after some writes, made for some proxies only, and kept up to date until it is closed. */
  openLane(writes: Writes): MeshLane {
    const viewOf = (instance: string): readonly string[] | undefined => {
      const outcome = this.#graph.tryRead(VIEW, instance);
      return outcome.ok ? outcome.value : undefined;
    };
    return new MeshLane(this.#mesh, this.#graph.lane(this.#overrides(writes)), this.#published, viewOf);
  }

  #overrides(writes: Writes): readonly Override[] {
    return [
      ...writes.deletes.map((id) => removalOf(this.#kinds, id)),
      ...writes.puts.flatMap((value) => placementOf(this.#kinds, value) ?? []),
      // What is written is no longer withheld.
      ...[...writes.deletes, ...writes.puts.map((value) => idOfValue(this.#mesh, value))].map((id) =>
        override(WITHHELD, resourceKey(id), undefined),
      ),
      ...[...(writes.addresses ?? [])].map(([service, number]) => override(ADDRESS, service, number)),
    ];
  }

  /** Inputs and queries as of the last pass, to be read by whoever judges changes. */
  get ctx(): Ctx {
    return contextOf(this.#graph);
  }

  /** Number of a service in the /16 of every outbound address; undefined = none is allocated. */
  addressOf(service: string): number | undefined {
    return this.#graph.input(ADDRESS, service);
  }

  /** Keys of the registered instances, `<namespace>/<name>`. */
  get instances(): readonly string[] {
    return [...this.#published.views];
  }

  /**
   * Stored resources that a cell of the graph is, holds, or was made from, directly or not, but for lists of everything.
   * @param members of an index key as it was once
   */
  resourcesOf(cell: CellName, members: readonly string[] = []): readonly ResourceId[] {
    const inputs = this.#graph.inputsOf(cell, ({ key }) => key === ALL);
    const of = INDEXED.get(cell.kind);
    const once = of === undefined ? [] : members.map((key) => ({ kind: of, key }));
    return [...inputs, ...once, cell].flatMap((input) => resourceOfInput(this.#mesh, input) ?? []);
  }

  /** What a published resource was made from, down to inputs. @param key a `CompiledResource.key` of this mesh */
  explain(key: string): Dependency {
    const { query, key: cellKey } = queryOf(RESOURCES, key.slice(this.#mesh.length + 1));
    return this.#graph.explain(query, cellKey);
  }

  /** Cells of the resources that were made from a stored resource, directly or not: reading is not yet being affected. */
  readersOf(id: ResourceId): readonly string[] {
    const { kind, key } = removalOf(this.#kinds, id);
    return this.#graph
      .dependentsOf(kind, key)
      .filter((cell) => RESOURCES.has(cell.kind))
      .map((cell) => resourceCell(cell.kind, cell.key));
  }

  /** Drops what nothing needs any more. Costs the whole graph: for a quiet moment. @returns how many cells went */
  sweep(): number {
    return this.#graph.sweep();
  }

  /** The same in slices; what two rounds in a row find unused goes. @returns true at the end of a round */
  sweepSlice(budget: PassBudget): boolean {
    return this.#graph.sweepSlice(budget);
  }

  /** Cells in memory. */
  get size(): number {
    return this.#graph.size;
  }

  get counters(): GraphCounters {
    return this.#graph.counters;
  }

  #place({ kind, key, value }: Placement): void {
    if (value === undefined) this.#graph.remove(kind, key);
    else this.#graph.set(kind, key, value as never);
  }
}

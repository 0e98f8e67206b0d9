/** What a fork of a mesh differs in: resources, and the proxies that would see it. */
import type { CellChange, Fork, Graph, Outcome, QueryKind } from '#libs/incremental';
import { sortedBy, sortedUnique } from '#libs/kernel';
import { LAYERS, RESOURCES, VIEW } from './layers.js';
import { resourceCell } from './names.js';
import { resourceId } from './publication.js';
import type { Encoded } from './resource.js';
import { queryOf, type Roots } from './roots.js';
import type { CompiledContent, ForkFailure, ResourceDiff } from './types.js';

/** Cells that come to, go from, or change in what a layer shows. */
interface LayerDiff {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

const NO_CELLS: readonly string[] = [];

/** Compares a fork with its parent, once. Costs what the fork's overrides touch, and a look at every view and layer. */
export class ForkDiff {
  readonly resources: readonly ResourceDiff[];
  readonly failures: readonly ForkFailure[];
  readonly #failures: ForkFailure[] = [];
  readonly #changes: readonly CellChange[];
  /** Layer cells of views that differ. */
  readonly #views = new Map<string, readonly string[]>();
  /** By how much the number of views that have a layer changes. */
  readonly #layerUsers = new Map<string, number>();
  /** By how much the number of layers that list a resource changes. */
  readonly #users = new Map<string, number>();
  readonly #layers = new Map<string, LayerDiff>();
  readonly #changedLayers: ReadonlySet<string>;
  /** Resource cells with another content. */
  readonly #differing: ReadonlySet<string>;

  constructor(
    private readonly mesh: string,
    private readonly graph: Graph,
    private readonly fork: Fork,
    private readonly roots: Roots,
  ) {
    this.#changes = fork.changes();
    for (const { kind, key } of this.#changes) if (kind === VIEW.name) this.#views.set(key, this.#list(VIEW, key));
    this.#changedLayers = new Set(
      this.#changes.filter((c) => LAYERS.has(c.kind)).map((c) => resourceCell(c.kind, c.key)),
    );
    this.#countUsers();
    this.#differing = new Set(
      this.#changes.filter((c) => RESOURCES.has(c.kind) && !c.error).map((c) => resourceCell(c.kind, c.key)),
    );
    for (const change of this.#changes) this.#noteFailure(change);
    this.resources = this.#resourceDiffs();
    this.failures = sortedBy(this.#failures, (failure) => failure.key);
  }

  /** What each proxy would be sent or lose, by `<namespace>/<instance>`: those that notice nothing are not there. */
  touched(): ReadonlyMap<string, LayerDiff> {
    const touched = new Map<string, LayerDiff>();
    const known = new Map<string, LayerDiff>();
    for (const [instance, before] of this.roots.views) {
      const after = this.#views.get(instance) ?? before;
      const concerned = before.filter((layer) => !isEmpty(this.#layer(layer)));
      if (after === before && concerned.length === 0) continue;
      // Most proxies differ by the same layers, seen from the same namespace.
      const namespace = before.find((layer) => layer.startsWith('ns|')) ?? '';
      const signature = after === before ? [...concerned, namespace].join('\n') : instance;
      const diff = known.get(signature) ?? this.#viewDiff(before, after);
      known.set(signature, diff);
      if (!isEmpty(diff)) touched.set(instance, diff);
    }
    return touched;
  }

  #after(cell: string): number {
    return this.roots.resources.count(cell) + (this.#users.get(cell) ?? 0);
  }

  #noteFailure({ kind, key, error }: CellChange): void {
    const cell = resourceCell(kind, key);
    if (!error || !this.#isKept(kind, cell) || !this.#compilesNow(kind, key)) return;
    this.#fail(cell, error.message);
  }

  /** What nobody lists any more may well fail: what it was made from is gone. */
  #isKept(kind: string, cell: string): boolean {
    if (RESOURCES.has(kind)) return this.#after(cell) > 0;
    return !LAYERS.has(kind) || this.roots.layers.count(cell) + (this.#layerUsers.get(cell) ?? 0) > 0;
  }

  #compilesNow(kind: string, key: string): boolean {
    const resource = RESOURCES.get(kind);
    return resource ? this.graph.tryRead(resource, key).ok : this.graph.tryRead(LAYERS.get(kind) ?? VIEW, key).ok;
  }

  #fail(cell: string, message: string): void {
    const key = resourceId(this.mesh, cell);
    if (!this.#failures.some((known) => known.key === key)) this.#failures.push({ key, message });
  }

  #countUsers(): void {
    for (const [view, after] of this.#views) {
      for (const cell of this.roots.views.get(view) ?? NO_CELLS) count(this.#layerUsers, cell, -1);
      for (const cell of after) count(this.#layerUsers, cell, 1);
    }
    for (const cell of new Set([...this.#changedLayers, ...this.#layerUsers.keys()])) {
      const before = this.roots.layers.count(cell) > 0;
      const after = this.roots.layers.count(cell) + (this.#layerUsers.get(cell) ?? 0) > 0;
      if (before) for (const resource of this.#listedBefore(cell)) count(this.#users, resource, -1);
      if (after) for (const resource of this.#listedAfter(cell)) count(this.#users, resource, 1);
    }
  }

  #listedBefore(layer: string): readonly string[] {
    const known = this.roots.layerKeys.get(layer);
    if (known) return known;
    const { query, key } = queryOf(LAYERS, layer);
    const outcome = this.graph.tryRead(query, key);
    return outcome.ok ? outcome.value : NO_CELLS;
  }

  #listedAfter(layer: string): readonly string[] {
    const { query, key } = queryOf(LAYERS, layer);
    return this.#list(query, key);
  }

  /** A list that fails to compile is withheld, as a pass would do. */
  #list(query: QueryKind<readonly string[]>, key: string): readonly string[] {
    const outcome = this.fork.tryRead(query, key);
    return outcome.ok ? outcome.value : NO_CELLS;
  }

  #resourceDiffs(): readonly ResourceDiff[] {
    const cells = new Set([...this.#differing, ...this.#users.keys()]);
    const diffs = [...cells].flatMap((cell): ResourceDiff[] => {
      const listed = this.roots.resources.has(cell);
      const before = listed ? this.#content(cell, this.graph) : undefined;
      const after = this.#after(cell) > 0 ? this.#content(cell, this.fork) : undefined;
      if (listed === this.#after(cell) > 0 && !this.#differing.has(cell)) return [];
      const any = after ?? before;
      // What would not compile is withheld: nobody is sent anything.
      if (!any || (this.#after(cell) > 0 && !after)) return [];
      return [{ key: resourceId(this.mesh, cell), cell, namespace: namespaceOf(cell), ...nameOf(any), before, after }];
    });
    return sortedBy(diffs, ({ key }) => key);
  }

  #content(cell: string, source: Pick<Graph, 'tryRead'>): CompiledContent | undefined {
    const { query, key } = queryOf(RESOURCES, cell);
    const outcome: Outcome<Encoded> = source.tryRead(query, key);
    if (outcome.ok) return outcome.value;
    if (source === this.fork) this.#fail(cell, outcome.error.message);
    return undefined;
  }

  /** How one layer differs for those who have it before and after. */
  #layer(cell: string): LayerDiff {
    const known = this.#layers.get(cell);
    if (known) return known;
    const before = this.roots.layerKeys.get(cell) ?? NO_CELLS;
    const diff = this.#between(before, this.#changedLayers.has(cell) ? this.#listedAfter(cell) : before);
    this.#layers.set(cell, diff);
    return diff;
  }

  #between(before: readonly string[], after: readonly string[]): LayerDiff {
    const changed = this.#differingIn(after);
    if (before === after) return { added: NO_CELLS, changed, removed: NO_CELLS };
    const had = new Set(before);
    const has = new Set(after);
    return {
      added: after.filter((cell) => !had.has(cell)),
      changed: changed.filter((cell) => had.has(cell)),
      removed: before.filter((cell) => !has.has(cell)),
    };
  }

  /** Walks the shorter of the two: layers hold thousands of cells, changes few, or the other way round. */
  #differingIn(listed: readonly string[]): readonly string[] {
    if (listed.length <= this.#differing.size) return listed.filter((cell) => this.#differing.has(cell));
    return [...this.#differing].filter((cell) => contains(listed, cell));
  }

  #viewDiff(before: readonly string[], after: readonly string[]): LayerDiff {
    const diffs =
      before === after
        ? before.map((layer) => this.#layer(layer))
        : [
            this.#between(
              sortedUnique(before.flatMap((layer) => this.#listedBefore(layer))),
              sortedUnique(after.flatMap((layer) => this.#listedAfter(layer))),
            ),
          ];
    const seen = (cell: string): boolean => !this.#isSuperseded(cell, after);
    const all = (pick: keyof LayerDiff): readonly string[] => sortedUnique(diffs.flatMap((diff) => diff[pick]));
    return { added: all('added').filter(seen), changed: all('changed').filter(seen), removed: all('removed') };
  }

  /** Callers whose namespace has routes of its own for a destination do not see the destination's. */
  #isSuperseded(cell: string, layers: readonly string[]): boolean {
    if (!/^(port-)?routes\|[^@]*$/.test(cell)) return false;
    return layers.some((layer) => {
      const [kind, namespace = ''] = layer.split('|');
      return kind === 'ns' && contains(this.#listedAfter(layer), `${cell}@${namespace}`);
    });
  }
}

const isEmpty = ({ added, changed, removed }: LayerDiff): boolean =>
  added.length + changed.length + removed.length === 0;

const nameOf = ({ type, name }: CompiledContent): { readonly type: string; readonly name: string } => ({ type, name });

/** The namespace is the first part of the last part of every resource's cell. */
const namespaceOf = (cell: string): string => (cell.split('|').at(-1) ?? '').split('/')[0] ?? '';

/** Short lists may come in any order; long ones are sorted by code units. */
function contains(cells: readonly string[], wanted: string): boolean {
  if (cells.length < 64) return cells.includes(wanted);
  let [low, high] = [0, cells.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cells[middle] ?? '') < wanted) low = middle + 1;
    else high = middle;
  }
  return cells[low] === wanted;
}

const count = (counts: Map<string, number>, cell: string, by: number): void => {
  counts.set(cell, (counts.get(cell) ?? 0) + by);
};

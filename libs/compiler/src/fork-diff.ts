/** What a fork of a mesh differs in: resources, and the proxies that would see it. */
import type { CellChange, Fork, PinnedGraph } from '#libs/incremental';
import { eachOf, flatMapped, mapped, type Steps, sortedByInSteps, sortedUnique } from '#libs/kernel';
import { LAYERS, RESOURCES } from './layers.js';
import { resourceCell } from './names.js';
import { type PublishedViews, resourceId } from './publication.js';
import { queryOf } from './query-of.js';
import type { CompiledContent, ForkFailure, ResourceDiff } from './types.js';
import { VIEW } from './views.js';

/** Cells that come to, go from, or change in what a layer shows. */
export interface LayerDiff {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

type List = readonly string[];
const NO_CELLS: List = [];

/** Resources and layers are cells of the graph: to look at one costs something. */
const CELLS = 64;

/** Compares a fork with its parent, once. Costs what the fork's overrides touch, and a look at every view and layer. */
export class ForkDiff {
  /** Layer cells of views that differ, by instance. */
  readonly #views = new Map<string, List>();
  /** Cells of layers that differ. What fails goes on with the list it had. */
  readonly #lists = new Map<string, List>();
  /** Cells of resources whose content is new or another. */
  readonly #differing = new Set<string>();
  readonly #layers = new Map<string, LayerDiff>();
  readonly #before: PinnedGraph;
  #resources: readonly ResourceDiff[] = [];
  #failures: readonly ForkFailure[] = [];

  private constructor(
    private readonly mesh: string,
    fork: Fork,
    private readonly published: PublishedViews,
  ) {
    this.#before = fork.before;
  }

  /** @param published when the fork was made */
  static *of(mesh: string, fork: Fork, published: PublishedViews): Steps<ForkDiff> {
    const diff = new ForkDiff(mesh, fork, published);
    yield* diff.#compare(fork);
    return diff;
  }

  *#compare(fork: Fork): Steps<void> {
    const { changed, gone } = fork.changes();
    yield;
    const resources: CellChange[] = [];
    const failing: CellChange[] = [];
    yield* eachOf(changed, (change) => {
      const { kind, key, value, error } = change;
      if (error) failing.push(change);
      else if (kind === VIEW.name) this.#views.set(key, value as List);
      else if (LAYERS.has(kind)) this.#lists.set(resourceCell(kind, key), value as List);
      else this.#differing.add(resourceCell(kind, key));
      if (!error && RESOURCES.has(kind)) resources.push(change);
    });
    const removed = gone.filter(({ kind }) => RESOURCES.has(kind));
    const diffs = [
      ...(yield* mapped(resources, (change) => this.#resourceDiff(change), CELLS)),
      ...(yield* flatMapped(removed, ({ kind, key }) => this.#removal(resourceCell(kind, key)), CELLS)),
    ];
    this.#resources = yield* sortedByInSteps(diffs, ({ key }) => key);
    const found = yield* flatMapped(failing, (change) => this.#failure(change), CELLS);
    this.#failures = yield* sortedByInSteps(found, ({ key }) => key);
  }

  get resources(): readonly ResourceDiff[] {
    return this.#resources;
  }

  get failures(): readonly ForkFailure[] {
    return this.#failures;
  }

  /** What each proxy would be sent or lose, by `<namespace>/<instance>`: those that notice nothing are not there. */
  *touched(): Steps<ReadonlyMap<string, LayerDiff>> {
    const touched = new Map<string, LayerDiff>();
    const known = new Map<string, Map<string, LayerDiff>>();
    for (const instance of this.published.views) {
      const { before, after } = this.layersOf(instance);
      const concerned = before.filter((layer) => !isEmpty(this.#layer(layer)));
      if (after !== before || concerned.length > 0) {
        const diff = after === before ? this.#shared(known, concerned, before) : this.#viewDiff(before, after);
        if (!isEmpty(diff)) touched.set(instance, diff);
      }
      yield;
    }
    return touched;
  }

  /** Most proxies differ by the same layers, seen from the same namespace. */
  #shared(known: Map<string, Map<string, LayerDiff>>, concerned: List, layers: List): LayerDiff {
    const alike = concerned.length === 1 ? (concerned[0] ?? '') : concerned.join('\n');
    const namespace = layers.find((layer) => layer.startsWith('ns|')) ?? '';
    const byNamespace = known.get(alike) ?? new Map<string, LayerDiff>();
    const diff = byNamespace.get(namespace) ?? this.#viewDiff(layers, layers);
    known.set(alike, byNamespace.set(namespace, diff));
    return diff;
  }

  /** Layer cells of a proxy's view. */
  layersOf(instance: string): { readonly before: List; readonly after: List } {
    const outcome = this.#before.tryRead(VIEW, instance);
    const before = outcome.ok ? outcome.value : NO_CELLS;
    return { before, after: this.#views.get(instance) ?? before };
  }

  #resourceDiff({ kind, key, value, isNew }: CellChange): ResourceDiff {
    const cell = resourceCell(kind, key);
    return this.#described(cell, isNew ? undefined : this.#content(cell), value as CompiledContent);
  }

  /** Nothing of what does not compile: nobody was sent any. */
  #removal(cell: string): readonly ResourceDiff[] {
    const before = this.#content(cell);
    return before ? [this.#described(cell, before, undefined)] : [];
  }

  #described<D extends CompiledContent | undefined>(cell: string, before: D, after: CompiledContent | D): ResourceDiff {
    const { type = '', name = '' } = after ?? before ?? {};
    return { key: resourceId(this.mesh, cell), cell, namespace: namespaceOf(cell), type, name, before, after };
  }

  #content(cell: string): CompiledContent | undefined {
    const { query, key } = queryOf(RESOURCES, cell);
    const outcome = this.#before.tryRead(query, key);
    return outcome.ok ? outcome.value : undefined;
  }

  /** Of what compiles now. What nobody has yet compiles as well as anything. */
  #failure({ kind, key, isNew, error }: CellChange): readonly ForkFailure[] {
    if (!isNew && !this.#compiled(kind, key)) return [];
    return [{ key: resourceId(this.mesh, resourceCell(kind, key)), message: error?.message ?? '' }];
  }

  #compiled(kind: string, key: string): boolean {
    const resource = RESOURCES.get(kind);
    return (resource ? this.#before.tryRead(resource, key) : this.#before.tryRead(LAYERS.get(kind) ?? VIEW, key)).ok;
  }

  /** Resource cells of a layer; what fails goes on with those it had. */
  listedBefore(layer: string): List {
    return this.published.listed.get(layer) ?? NO_CELLS;
  }

  listedAfter(layer: string): List {
    return this.#lists.get(layer) ?? this.listedBefore(layer);
  }

  /** How one layer differs for those who have it before and after. */
  #layer(cell: string): LayerDiff {
    const known = this.#layers.get(cell);
    if (known) return known;
    const [before, after] = [this.listedBefore(cell), this.listedAfter(cell)];
    // The usual case by far: the layers of one proxy alone, which are short.
    if (before === after && before.length <= this.#differing.size && !before.some((one) => this.#differing.has(one)))
      return NOTHING;
    const diff = this.#between(before, after);
    this.#layers.set(cell, diff);
    return diff;
  }

  #between(before: List, after: List): LayerDiff {
    const changed = this.#differingIn(after);
    if (before === after) return { added: NO_CELLS, changed, removed: NO_CELLS };
    return {
      added: after.filter((cell) => !contains(before, cell)),
      changed: changed.filter((cell) => contains(before, cell)),
      removed: before.filter((cell) => !contains(after, cell)),
    };
  }

  /** Walks the shorter of the two: layers hold thousands of cells, changes few, or the other way round. */
  #differingIn(listed: List): List {
    if (listed.length <= this.#differing.size) return listed.filter((cell) => this.#differing.has(cell));
    return [...this.#differing].filter((cell) => contains(listed, cell));
  }

  #viewDiff(before: List, after: List): LayerDiff {
    const all = (layers: List, listed: (layer: string) => List): List => [...new Set(layers.flatMap(listed))];
    const diffs =
      before === after
        ? before.map((layer) => this.#layer(layer))
        : [
            this.#between(
              all(before, (layer) => this.listedBefore(layer)),
              all(after, (layer) => this.listedAfter(layer)),
            ),
          ];
    const seen = (cell: string): boolean => !this.#isSuperseded(cell, after);
    const picked = (pick: keyof LayerDiff): List => sortedUnique(diffs.flatMap((diff) => diff[pick]));
    return { added: picked('added').filter(seen), changed: picked('changed').filter(seen), removed: picked('removed') };
  }

  /** Callers whose namespace has routes of its own for a destination do not see the destination's. */
  #isSuperseded(cell: string, layers: List): boolean {
    if (!/^(port-)?routes\|[^@]*$/.test(cell)) return false;
    return layers.some((layer) => {
      const [kind, namespace = ''] = layer.split('|');
      return kind === 'ns' && contains(this.listedAfter(layer), `${cell}@${namespace}`);
    });
  }
}

const NOTHING: LayerDiff = { added: NO_CELLS, changed: NO_CELLS, removed: NO_CELLS };

const isEmpty = ({ added, changed, removed }: LayerDiff): boolean =>
  added.length + changed.length + removed.length === 0;

/** The namespace is the first part of the last part of every resource's cell. */
const namespaceOf = (cell: string): string => (cell.split('|').at(-1) ?? '').split('/')[0] ?? '';

/** Of long lists: they outlive many forks. */
const SETS = new WeakMap<List, ReadonlySet<string>>();

function contains(list: List, wanted: string): boolean {
  if (list.length < 64) return list.includes(wanted);
  const known = SETS.get(list);
  if (known) return known.has(wanted);
  const set = new Set(list);
  SETS.set(list, set);
  return set.has(wanted);
}

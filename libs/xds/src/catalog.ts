import { invariant } from '#libs/kernel';
import { Cell, type EncodeCounter, type Lookup, WITHHELD } from './cell.js';
import type { Layer, Publication, Resource, TypeUrl, View } from './types.js';

/** Someone who follows a view: a stream. */
export interface Watcher {
  /** These names of the type changed in the view. The set is shared: it must not be modified. */
  touch(type: TypeUrl, names: ReadonlySet<string>): void;
  /** The view as a whole is another one. */
  touchAll(): void;
}

type Names = Map<TypeUrl, Set<string>>;

interface LayerRecord {
  readonly id: string;
  /** False for a layer that a view mentions and that was not published, or was removed. */
  defined: boolean;
  /** type -> name -> key */
  byType: Map<TypeUrl, Map<string, string>>;
  keys: readonly string[];
  readonly views: Set<ViewRecord>;
}

/** A view as streams use it. Nothing is copied for it: a lookup walks its layers, the last one first. */
export class ViewRecord {
  /** False until the view is published, and after it was removed. */
  published = false;
  layers: readonly LayerRecord[] = [];
  /** Chosen by the embedding program; undefined = none. */
  version: string | undefined;
  readonly watchers = new Set<Watcher>();

  constructor(
    readonly id: string,
    private readonly cells: ReadonlyMap<string, Cell>,
  ) {}

  /** True if streams may be served from it. A view with a layer missing is not: it would look emptier than it is. */
  get ready(): boolean {
    return this.published && this.layers.every((layer) => layer.defined);
  }

  lookup(type: TypeUrl, name: string): Lookup {
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const key = this.layers[i]?.byType.get(type)?.get(name);
      // A withheld resource hides the one below it all the same: the layer above may be there to restrict it.
      if (key !== undefined) return this.cells.get(key) ?? WITHHELD;
    }
    return undefined;
  }

  *names(type: TypeUrl): Iterable<string> {
    const seen = new Set<string>();
    for (const layer of this.layers) {
      for (const name of layer.byType.get(type)?.keys() ?? []) {
        if (!seen.has(name)) yield name;
        seen.add(name);
      }
    }
  }
}

/**
 * All that was published: resources by key, layers, views, and who follows them. A publication is applied at once and
 * wakes only those whose layers it touches: key -> layers -> views -> streams.
 */
export class Catalog implements EncodeCounter {
  encodes = 0;
  /** Number of the newest publication; 0 before the first. */
  change = 0;
  readonly #cells = new Map<string, Cell>();
  readonly #layers = new Map<string, LayerRecord>();
  readonly #views = new Map<string, ViewRecord>();
  readonly #layersOfKey = new Map<string, Set<LayerRecord>>();

  /** The view of this id, which may not be published yet. */
  view(id: string): ViewRecord {
    let view = this.#views.get(id);
    if (!view) {
      view = new ViewRecord(id, this.#cells);
      this.#views.set(id, view);
    }
    return view;
  }

  /** Drops a view that nobody follows and that was never published. */
  release(view: ViewRecord): void {
    if (!view.published && view.watchers.size === 0 && view.layers.length === 0) this.#views.delete(view.id);
  }

  get resources(): number {
    return this.#cells.size;
  }

  /**
   * Applies a publication.
   * @returns those who follow something that changed
   * @throws Error, with nothing applied, if a key changes its type or name, or the change number does not grow
   */
  publish(publication: Publication): ReadonlySet<Watcher> {
    this.#check(publication);
    this.change = publication.change;
    const touched = new Map<LayerRecord, Names>();
    const woken = new Set<Watcher>();
    for (const resource of publication.set) this.#set(resource, touched);
    for (const key of publication.removed) this.#remove(key, touched);
    for (const layer of publication.layers) if (this.#setLayer(layer, touched)) wakeAll(this.#layer(layer.id), woken);
    for (const id of publication.removedLayers) this.#removeLayer(id, woken);
    for (const view of publication.views) this.#setView(view, woken);
    for (const id of publication.removedViews) this.#removeView(id);
    for (const [layer, names] of touched) wake(layer, names, woken);
    return woken;
  }

  #check({ change, set }: Publication): void {
    invariant(change > this.change, `publication ${change} after ${this.change}`);
    for (const resource of set) {
      const before = this.#cells.get(resource.key);
      invariant(
        !before || (before.type === resource.type && before.name === resource.name),
        `${resource.key} changes its type or name`,
      );
    }
  }

  #set(resource: Resource, touched: Map<LayerRecord, Names>): void {
    const before = this.#cells.get(resource.key);
    // SOTW-2, DELTA-2: the version is the content, so an equal one is no change.
    if (before?.version === resource.version && sameRefs(before, resource)) return;
    this.#cells.set(resource.key, new Cell(resource, this));
    for (const layer of this.#layersOfKey.get(resource.key) ?? []) {
      enter(layer, resource.key, resource);
      mark(touched, layer, resource);
    }
  }

  #remove(key: string, touched: Map<LayerRecord, Names>): void {
    const cell = this.#cells.get(key);
    if (!cell || !this.#cells.delete(key)) return;
    for (const layer of this.#layersOfKey.get(key) ?? []) mark(touched, layer, cell);
  }

  #layer(id: string): LayerRecord {
    let layer = this.#layers.get(id);
    if (!layer) {
      layer = { id, defined: false, byType: new Map(), keys: [], views: new Set() };
      this.#layers.set(id, layer);
    }
    return layer;
  }

  /** @returns true if the layer was not there before */
  #setLayer({ id, keys }: Layer, touched: Map<LayerRecord, Names>): boolean {
    const layer = this.#layer(id);
    const before = layer.byType;
    const appears = !layer.defined;
    for (const key of layer.keys) this.#unindex(key, layer);
    layer.byType = new Map();
    layer.keys = keys;
    layer.defined = true;
    for (const key of keys) {
      const layers = this.#layersOfKey.get(key);
      if (layers) layers.add(layer);
      else this.#layersOfKey.set(key, new Set([layer]));
      const cell = this.#cells.get(key);
      if (cell) enter(layer, key, cell);
    }
    markDifference(touched, layer, before, layer.byType);
    markDifference(touched, layer, layer.byType, before);
    return appears;
  }

  #unindex(key: string, layer: LayerRecord): void {
    const layers = this.#layersOfKey.get(key);
    layers?.delete(layer);
    if (layers?.size === 0) this.#layersOfKey.delete(key);
  }

  /** Views that still use the layer are not served until they are published without it, or the layer is back. */
  #removeLayer(id: string, woken: Set<Watcher>): void {
    const layer = this.#layers.get(id);
    if (!layer) return;
    for (const key of layer.keys) this.#unindex(key, layer);
    layer.defined = false;
    layer.byType = new Map();
    layer.keys = [];
    wakeAll(layer, woken);
    if (layer.views.size === 0) this.#layers.delete(id);
  }

  #setView({ id, layers, version }: View, woken: Set<Watcher>): void {
    const view = this.view(id);
    view.version = version;
    const records = layers.map((layer) => this.#layer(layer));
    const same =
      view.published && records.length === view.layers.length && records.every((r, i) => r === view.layers[i]);
    if (same) return;
    this.#leaveLayers(view);
    view.layers = records;
    view.published = true;
    for (const layer of records) layer.views.add(view);
    touchWhole(view, woken);
  }

  /** Streams that follow the view keep what they hold until the view is back or they get another one. */
  #removeView(id: string): void {
    const view = this.#views.get(id);
    if (!view) return;
    this.#leaveLayers(view);
    view.published = false;
    view.layers = [];
    this.release(view);
  }

  #leaveLayers(view: ViewRecord): void {
    for (const layer of view.layers) {
      layer.views.delete(view);
      if (layer.views.size === 0 && !layer.defined) this.#layers.delete(layer.id);
    }
  }
}

function enter(layer: LayerRecord, key: string, resource: { readonly type: TypeUrl; readonly name: string }): void {
  const names = layer.byType.get(resource.type);
  if (names) names.set(resource.name, key);
  else layer.byType.set(resource.type, new Map([[resource.name, key]]));
}

function mark(touched: Map<LayerRecord, Names>, layer: LayerRecord, { type, name }: { type: TypeUrl; name: string }) {
  let names = touched.get(layer);
  if (!names) {
    names = new Map();
    touched.set(layer, names);
  }
  const set = names.get(type);
  if (set) set.add(name);
  else names.set(type, new Set([name]));
}

type ByType = LayerRecord['byType'];

function markDifference(touched: Map<LayerRecord, Names>, layer: LayerRecord, from: ByType, to: ByType): void {
  for (const [type, names] of from) {
    const others = to.get(type);
    for (const [name, key] of names) if (others?.get(name) !== key) mark(touched, layer, { type, name });
  }
}

function wake(layer: LayerRecord, names: Names, woken: Set<Watcher>): void {
  for (const view of layer.views) {
    for (const watcher of view.watchers) {
      for (const [type, set] of names) watcher.touch(type, set);
      woken.add(watcher);
    }
  }
}

function wakeAll(layer: LayerRecord, woken: Set<Watcher>): void {
  for (const view of layer.views) touchWhole(view, woken);
}

function touchWhole(view: ViewRecord, woken: Set<Watcher>): void {
  for (const watcher of view.watchers) {
    watcher.touchAll();
    woken.add(watcher);
  }
}

const sameRefs = (cell: Cell, resource: Resource): boolean =>
  cell.requires.length === resource.requires.length &&
  cell.requires.every((ref, i) => ref.name === resource.requires[i]?.name && ref.type === resource.requires[i]?.type);

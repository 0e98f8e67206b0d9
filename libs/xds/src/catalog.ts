import { invariant } from '#libs/kernel';
import { Cell, type EncodeCounter } from './cell.js';
import { canonicalName } from './names.js';
import { typeSpec } from './type-specs.js';
import type { Layer, Publication, Resource, TypeUrl, View } from './types.js';
import { LayerRecord, ViewRecord, type Watcher } from './view-record.js';

type Names = Map<TypeUrl, Set<string>>;

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

  /** @param minTtlMs shortest lifetime for which signs of life are given in time */
  constructor(private readonly minTtlMs = 0) {}

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
      this.#checkExtras(resource);
    }
  }

  #checkExtras({ key, type, name, aliases, ttlMs = 0 }: Resource): void {
    const canonical = canonicalName(name);
    invariant(canonical === name, `${key} must be named ${canonical}`);
    invariant(
      !aliases?.length || typeSpec(type)?.aliased,
      `${key} has aliases: only virtual hosts are asked for by them`,
    );
    invariant(
      ttlMs === 0 || ttlMs >= this.minTtlMs,
      `${key} has ttlMs ${ttlMs}: it must be 0 or at least ${this.minTtlMs}`,
    );
  }

  #set(resource: Resource, touched: Map<LayerRecord, Names>): void {
    const before = this.#cells.get(resource.key);
    // SOTW-2, DELTA-2: the version is the content, so an equal one is no change.
    if (before?.version === resource.version && sameRefs(before, resource) && sameExtras(before, resource)) return;
    const cell = new Cell(resource, this);
    this.#cells.set(resource.key, cell);
    for (const layer of this.#layersOfKey.get(resource.key) ?? []) {
      if (before) {
        layer.dropAliases(resource.key, before);
        for (const name of before.aliases) mark(touched, layer, { type: cell.type, name });
      }
      layer.enter(resource.key, cell);
      markCell(touched, layer, cell);
    }
  }

  #remove(key: string, touched: Map<LayerRecord, Names>): void {
    const cell = this.#cells.get(key);
    if (!cell || !this.#cells.delete(key)) return;
    for (const layer of this.#layersOfKey.get(key) ?? []) markCell(touched, layer, cell);
  }

  #layer(id: string): LayerRecord {
    let layer = this.#layers.get(id);
    if (!layer) {
      layer = new LayerRecord(id);
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
    layer.clear();
    layer.keys = keys;
    layer.defined = true;
    for (const key of keys) {
      const layers = this.#layersOfKey.get(key);
      if (layers) layers.add(layer);
      else this.#layersOfKey.set(key, new Set([layer]));
      const cell = this.#cells.get(key);
      if (cell) layer.enter(key, cell);
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
    layer.clear();
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

function markCell(touched: Map<LayerRecord, Names>, layer: LayerRecord, cell: Cell): void {
  mark(touched, layer, cell);
  for (const name of cell.aliases) mark(touched, layer, { type: cell.type, name });
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

function sameExtras(cell: Cell, { aliases = [], ttlMs = 0, onDemand = false }: Resource): boolean {
  return (
    cell.ttlMs === ttlMs &&
    cell.onDemand === onDemand &&
    cell.aliases.length === aliases.length &&
    cell.aliases.every((alias, i) => alias === aliases[i])
  );
}

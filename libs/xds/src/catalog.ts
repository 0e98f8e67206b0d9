import { TYPE } from '#libs/envoy-api';
import { invariant } from '#libs/kernel';
import { Cell, type EncodeCounter } from './cell.js';
import { canonicalName } from './names.js';
import type { News } from './spreading.js';
import { typeSpec } from './type-specs.js';
import type { Layer, Publication, Resource, TypeUrl, View } from './types.js';
import { LayerRecord, type Slot, ViewRecord, type Watcher } from './view-record.js';

type Names = Map<TypeUrl, Set<string>>;

/** A key with another content, or none any more, and the names under which that may be noticed. */
interface Changed {
  readonly key: string;
  readonly type: TypeUrl;
  readonly names: readonly string[];
}

const MARKS_A_STEP = 100;

/**
 * All that was published: resources by key, layers, views, and who follows them. A publication is applied at once and
 * wakes only those whose layers it touches: key -> layers -> views -> streams.
 */
export class Catalog implements EncodeCounter {
  encodes = 0;
  /** Number of the newest publication; 0 before the first. */
  change = 0;
  readonly #slots = new Map<string, Slot>();
  readonly #layers = new Map<string, LayerRecord>();
  readonly #views = new Map<string, ViewRecord>();
  readonly #layersOfKey = new Map<string, Set<LayerRecord>>();
  /** During a publication: a layer that all views share has many to ask. */
  readonly #watched = new Map<LayerRecord, boolean>();

  /** @param minTtlMs shortest lifetime for which signs of life are given in time */
  constructor(private readonly minTtlMs = 0) {}

  /** The view of this id, which may not be published yet. */
  view(id: string): ViewRecord {
    let view = this.#views.get(id);
    if (!view) {
      view = new ViewRecord(id, this);
      this.#views.set(id, view);
    }
    return view;
  }

  /** Drops a view that nobody follows and that was never published. */
  release(view: ViewRecord): void {
    if (!view.published && view.watchers.size === 0 && view.layers.length === 0) this.#views.delete(view.id);
  }

  /** Version of the content that is published under a key. */
  versionOf(key: string): string | undefined {
    return this.#slots.get(key)?.cell?.version;
  }

  get resources(): number {
    return this.#slots.size;
  }

  /**
   * Applies a publication.
   * @returns what those who follow something that changed are to be told
   * @throws Error, with nothing applied, if a key changes its type or name, or the change number does not grow
   */
  publish(publication: Publication): News {
    this.#check(publication);
    this.change = publication.change;
    const touched = new Map<LayerRecord, Names>();
    const woken = new Set<Watcher>();
    const changed: Changed[] = [];
    for (const resource of publication.set) this.#set(resource, changed);
    for (const key of publication.removed) this.#remove(key, changed);
    for (const layer of publication.layers) if (this.#setLayer(layer, touched)) wakeAll(this.#layer(layer.id), woken);
    for (const id of publication.removedLayers) this.#removeLayer(id, woken);
    for (const view of publication.views) this.#setView(view, woken);
    for (const id of publication.removedViews) this.#removeView(id);
    const steps = this.#tell(changed, touched, woken);
    return { change: publication.change, urgent: isUrgent(publication), woken, steps };
  }

  #check({ change, set }: Publication): void {
    invariant(change > this.change, `publication ${change} after ${this.change}`);
    for (const resource of set) {
      const before = this.#slots.get(resource.key)?.cell;
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

  #set(resource: Resource, changed: Changed[]): void {
    const slot = this.#slots.get(resource.key) ?? { key: resource.key, cell: undefined };
    const before = slot.cell;
    // SOTW-2, DELTA-2: the version is the content, so an equal one is no change.
    if (before?.version === resource.version && sameRefs(before, resource) && sameExtras(before, resource)) return;
    const cell = new Cell(resource, this);
    slot.cell = cell;
    this.#slots.set(resource.key, slot);
    changed.push({ key: resource.key, type: cell.type, names: namesOf(cell, before) });
    // Type and name never change, so whoever was entered under them still is.
    if (before !== undefined && before.aliases.length === 0 && cell.aliases.length === 0) return;
    for (const layer of this.#layersOfKey.get(resource.key) ?? []) {
      if (before) layer.dropAliases(resource.key, before);
      layer.enter(slot, cell);
    }
  }

  /** Names by layer first, then every follower with all that concerns him at once. */
  *#tell(changed: readonly Changed[], touched: Map<LayerRecord, Names>, woken: Set<Watcher>): Generator<void> {
    this.#watched.clear();
    let marks = 0;
    for (const { key, type, names } of changed) {
      for (const layer of this.#layersOfKey.get(key) ?? []) {
        if (++marks % MARKS_A_STEP === 0) yield;
        if (this.#isWatched(layer)) for (const name of names) mark(touched, layer, { type, name });
      }
    }
    for (const view of new Set([...touched.keys()].flatMap((layer) => [...layer.views]))) {
      const news = view.layers.flatMap((layer) => [...(touched.get(layer) ?? [])]);
      for (const watcher of view.watchers) {
        for (const [type, names] of news) watcher.touch(type, names);
        woken.add(watcher);
        yield;
      }
    }
  }

  #isWatched(layer: LayerRecord): boolean {
    const known = this.#watched.get(layer) ?? layer.watched;
    this.#watched.set(layer, known);
    return known;
  }

  #remove(key: string, changed: Changed[]): void {
    const slot = this.#slots.get(key);
    if (!slot?.cell) return;
    this.#slots.delete(key);
    changed.push({ key, type: slot.cell.type, names: namesOf(slot.cell) });
    slot.cell = undefined;
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
      const slot = this.#slots.get(key);
      if (slot?.cell) layer.enter(slot, slot.cell);
    }
    if (layer.watched) {
      markDifference(touched, layer, before, layer.byType);
      markDifference(touched, layer, layer.byType, before);
    }
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

/** Aliases that it had are looked at, too: they may be another's now. */
const namesOf = (cell: Cell, before?: Cell): readonly string[] =>
  cell.aliases.length === 0 && (before?.aliases.length ?? 0) === 0
    ? [cell.name]
    : [cell.name, ...cell.aliases, ...(before?.aliases ?? [])];

/** Nothing but endpoints that are there anew or otherwise: no order is to be kept to anything else. */
const isUrgent = ({ set, removed, layers, removedLayers, views, removedViews }: Publication): boolean =>
  [removed, layers, removedLayers, views, removedViews].every(({ length }) => length === 0) &&
  set.every(({ type }) => type === TYPE.endpoint);

type ByType = LayerRecord['byType'];

function markDifference(touched: Map<LayerRecord, Names>, layer: LayerRecord, from: ByType, to: ByType): void {
  for (const [type, names] of from) {
    const others = to.get(type);
    for (const [name, slot] of names) if (others?.get(name)?.key !== slot.key) mark(touched, layer, { type, name });
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

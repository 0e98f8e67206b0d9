/** Published names of what the graph calls by cells, and the state that one publication differs from the next by. */
import type { CellChange, CellName, Difference, PassBudget } from '#libs/incremental';
import { contentHash } from '#libs/kernel';
import { ALL } from './inputs.js';
import { LAYERS, RESOURCES } from './layers.js';
import { resourceCell } from './names.js';
import type { Encoded } from './resource.js';
import type { CompiledChange, CompiledResource } from './types.js';
import { VIEW } from './views.js';

export const resourceId = (mesh: string, cell: string): string => `${mesh}|${cell}`;
export const viewId = (mesh: string, instance: string): string => `${mesh}|view|${instance}`;

/** `<mesh>|services`, `<mesh>|ns|<namespace>`, ...: a scope of the whole mesh is left out, another one is named by its hash. */
export function layerId(mesh: string, cell: string): string {
  const [kind = '', ...parts] = cell.split('|');
  if (kind === 'workload' || kind === 'instance') return [mesh, kind, ...parts].join('|');
  const scope = parts.pop() ?? ALL;
  return [mesh, kind, ...parts, ...(scope === ALL ? [] : [`deps-${contentHash(scope)}`])].join('|');
}

/** A changed resource, made ready ahead of its publication. */
export interface Prepared {
  readonly cell: string;
  readonly resource: CompiledResource;
}

/** Views and layers as they were published at some moment. */
export interface PublishedViews {
  /** Instances with a view. */
  readonly views: ReadonlySet<string>;
  /** Cells of each layer as compiled. */
  readonly listed: ReadonlyMap<string, readonly string[]>;
}

/** What has been published, so that the next publication says only what is different. */
export class Published {
  readonly #mesh: string;
  /** Id of each resource by its cell, so that layers share the text. */
  readonly #resources = new Map<string, string>();
  /** Cells of each layer as compiled. */
  #listed = new Map<string, readonly string[]>();
  /** Resource ids of each layer as published. */
  readonly #layers = new Map<string, readonly string[]>();
  #views = new Set<string>();
  /** Somebody has the two as they are now: they are copied before they change. */
  #isShared = false;
  /** Layers that list a resource which has never been compiled: they are published without it, and again once it is. */
  readonly #incomplete = new Set<string>();

  constructor(mesh: string) {
    this.#mesh = mesh;
  }

  /** Instances with a view. */
  get views(): ReadonlySet<string> {
    return this.#views;
  }

  /** Stays as it is, whatever is published later. */
  snapshot(): PublishedViews {
    this.#isShared = true;
    return { views: this.#views, listed: this.#listed };
  }

  #unshare(): void {
    if (!this.#isShared) return;
    this.#isShared = false;
    this.#views = new Set(this.#views);
    this.#listed = new Map(this.#listed);
  }

  /** Cells of a layer as last compiled; undefined = nobody has it. */
  listed(layer: string): readonly string[] | undefined {
    return this.#listed.get(layer);
  }

  /** Id of a resource by its cell; undefined = it has never been compiled. */
  resource(cell: string): string | undefined {
    return this.#resources.get(cell);
  }

  hasView(instance: string): boolean {
    return this.#views.has(instance);
  }

  /** Makes a change ready; `undefined` for what is no resource, or fails. Changes nothing. */
  prepare({ kind, key, value, error }: CellChange): Prepared | undefined {
    if (error || !RESOURCES.has(kind)) return undefined;
    const cell = resourceCell(kind, key);
    const { type, name, version, bytes, requires } = value as Encoded;
    const id = this.#resources.get(cell) ?? resourceId(this.#mesh, cell);
    return { cell, resource: { key: id, type, name, version, bytes, requires } };
  }

  /** Turns a pass into what to publish, and takes note of it. */
  next({ changed, gone }: Difference, ready?: Preparation): CompiledChange {
    const made = ready?.of(changed) ?? [];
    const set: CompiledResource[] = [];
    const failures: CompiledChange['failures'][number][] = [];
    const layers = new Set(this.#incomplete);
    const views: CompiledChange['views'][number][] = [];
    for (const [i, change] of changed.entries()) {
      const prepared = made[i] ?? this.prepare(change);
      const { kind, key, value, error } = change;
      if (prepared) {
        const { cell, resource } = prepared;
        if (!this.#resources.has(cell)) this.#resources.set(cell, resource.key);
        set.push(resource);
      } else if (error) {
        failures.push({ key: this.#printed(kind, key), message: error.message });
      } else if (LAYERS.has(kind)) {
        const cell = resourceCell(kind, key);
        this.#unshare();
        this.#listed.set(cell, value as readonly string[]);
        layers.add(cell);
      } else if (kind === VIEW.name) {
        const cells = value as readonly string[];
        views.push({ id: viewId(this.#mesh, key), layers: cells.map((cell) => layerId(this.#mesh, cell)) });
        if (this.#views.has(key)) continue;
        this.#unshare();
        this.#views.add(key);
      }
    }
    const removals = this.#removals(gone);
    return { set, failures, views, layers: this.#changedLayers(layers), ...removals };
  }

  #printed(kind: string, key: string): string {
    if (kind === VIEW.name) return viewId(this.#mesh, key);
    const cell = resourceCell(kind, key);
    return LAYERS.has(kind) ? layerId(this.#mesh, cell) : resourceId(this.#mesh, cell);
  }

  #changedLayers(candidates: Iterable<string>): CompiledChange['layers'] {
    const changed: CompiledChange['layers'][number][] = [];
    for (const cell of candidates) {
      const listed = this.#listed.get(cell);
      if (!listed) continue;
      const keys = listed.flatMap((resource) => this.#resources.get(resource) ?? []);
      if (keys.length < listed.length) this.#incomplete.add(cell);
      else this.#incomplete.delete(cell);
      const before = this.#layers.get(cell);
      if (before?.length === keys.length && keys.every((key, i) => key === before[i])) continue;
      this.#layers.set(cell, keys);
      changed.push({ id: layerId(this.#mesh, cell), keys });
    }
    return changed;
  }

  #removals(gone: readonly CellName[]): Pick<CompiledChange, 'removed' | 'removedLayers' | 'removedViews'> {
    const removed: string[] = [];
    const removedLayers: string[] = [];
    const removedViews: string[] = [];
    for (const { kind, key } of gone) {
      const cell = resourceCell(kind, key);
      if (RESOURCES.has(kind)) {
        if (this.#resources.delete(cell)) removed.push(resourceId(this.#mesh, cell));
      } else if (LAYERS.has(kind)) {
        this.#unshare();
        this.#listed.delete(cell);
        this.#incomplete.delete(cell);
        if (this.#layers.delete(cell)) removedLayers.push(layerId(this.#mesh, cell));
      } else if (this.#views.has(key)) {
        this.#unshare();
        this.#views.delete(key);
        removedViews.push(viewId(this.#mesh, key));
      }
    }
    return { removed: removed.sort(), removedLayers: removedLayers.sort(), removedViews: removedViews.sort() };
  }
}

/** Changes that are made ready between two looks at the clock. */
const CHANGES_PER_LOOK = 64;

/** Makes the changes of a long pass ready in slices, so that what is left to do at once, at adoption, is little. */
export class Preparation {
  readonly #published: Published;
  #changes: readonly CellChange[] = [];
  #made: (Prepared | undefined)[] = [];

  constructor(published: Published) {
    this.#published = published;
  }

  /** What was made of these changes, in their order; nothing if other ones were made ready. */
  of(changes: readonly CellChange[]): readonly (Prepared | undefined)[] {
    return changes === this.#changes ? this.#made : [];
  }

  /** @returns true once all of them are ready */
  step(changes: readonly CellChange[], budget: PassBudget): boolean {
    if (changes !== this.#changes) this.#made = [];
    this.#changes = changes;
    while (this.#made.length < changes.length) {
      const from = this.#made.length;
      for (const change of changes.slice(from, from + CHANGES_PER_LOOK))
        this.#made.push(this.#published.prepare(change));
      if (budget.exhausted()) return this.#made.length === changes.length;
    }
    return true;
  }
}

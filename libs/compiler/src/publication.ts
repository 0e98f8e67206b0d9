/** Published names of what the graph calls by cells, and the state that one publication differs from the next by. */
import type { ChangeSet } from '#libs/incremental';
import { contentHash } from '#libs/kernel';
import { ALL } from './inputs.js';
import { LAYERS, RESOURCES, VIEW } from './layers.js';
import { resourceCell } from './names.js';
import type { Encoded } from './resource.js';
import type { Roots } from './roots.js';
import type { CompiledChange } from './types.js';

export const resourceId = (mesh: string, cell: string): string => `${mesh}|${cell}`;
export const viewId = (mesh: string, instance: string): string => `${mesh}|view|${instance}`;

/** `<mesh>|services`, `<mesh>|ns|<namespace>`, ...: a scope of the whole mesh is left out, another one is named by its hash. */
export function layerId(mesh: string, cell: string): string {
  const [kind = '', ...parts] = cell.split('|');
  if (kind === 'workload' || kind === 'instance') return [mesh, kind, ...parts].join('|');
  const scope = parts.pop() ?? ALL;
  return [mesh, kind, ...parts, ...(scope === ALL ? [] : [`deps-${contentHash(scope)}`])].join('|');
}

/** What has been published, so that the next publication says only what is different. */
export class Published {
  readonly #mesh: string;
  readonly #roots: Roots;
  readonly #resources = new Set<string>();
  /** Keys of each layer as published, joined. */
  readonly #layers = new Map<string, string>();
  readonly #views = new Set<string>();
  /** Layers that list a resource which has never been compiled: they are published without it, and again once it is. */
  readonly #incomplete = new Set<string>();

  constructor(mesh: string, roots: Roots) {
    this.#mesh = mesh;
    this.#roots = roots;
  }

  hasView(instance: string): boolean {
    return this.#views.has(instance);
  }

  /** Turns a pass into what to publish, and takes note of it. */
  next(changes: ChangeSet): CompiledChange {
    const set: CompiledChange['set'][number][] = [];
    const failures: CompiledChange['failures'][number][] = [];
    const layers = new Set(this.#incomplete);
    const views: CompiledChange['views'][number][] = [];
    for (const { kind, key, value, error } of changes.changed) {
      const cell = resourceCell(kind, key);
      if (error) {
        failures.push({ key: this.#printed(kind, key), message: error.message });
      } else if (RESOURCES.has(kind)) {
        if (!this.#roots.resources.has(cell)) continue;
        set.push({ key: resourceId(this.#mesh, cell), ...(value as Encoded) });
        this.#resources.add(cell);
      } else if (LAYERS.has(kind)) {
        layers.add(cell);
      } else if (kind === VIEW.name && this.#roots.views.has(key)) {
        views.push({ id: viewId(this.#mesh, key), layers: this.#layersOf(key) });
        this.#views.add(key);
      }
    }
    return { set, failures, views, layers: this.#changedLayers(layers), ...this.#removals() };
  }

  #printed(kind: string, key: string): string {
    if (kind === VIEW.name) return viewId(this.#mesh, key);
    const cell = resourceCell(kind, key);
    return LAYERS.has(kind) ? layerId(this.#mesh, cell) : resourceId(this.#mesh, cell);
  }

  #layersOf(instance: string): readonly string[] {
    return (this.#roots.views.get(instance) ?? []).map((cell) => layerId(this.#mesh, cell));
  }

  #changedLayers(candidates: Iterable<string>): CompiledChange['layers'] {
    const changed: CompiledChange['layers'][number][] = [];
    for (const cell of candidates) {
      const listed = this.#roots.layerKeys.get(cell);
      if (!listed) continue;
      const compiled = listed.filter((key) => this.#resources.has(key));
      if (compiled.length < listed.length) this.#incomplete.add(cell);
      else this.#incomplete.delete(cell);
      const text = compiled.join('\n');
      if (this.#layers.get(cell) === text) continue;
      this.#layers.set(cell, text);
      changed.push({ id: layerId(this.#mesh, cell), keys: compiled.map((key) => resourceId(this.#mesh, key)) });
    }
    return changed;
  }

  #removals(): Pick<CompiledChange, 'removed' | 'removedLayers' | 'removedViews'> {
    const { resources, layers, views } = this.#roots.takeGone();
    const removed = resources.filter((cell) => this.#resources.delete(cell));
    const removedLayers = layers.filter((cell) => {
      this.#incomplete.delete(cell);
      return this.#layers.delete(cell);
    });
    const removedViews = views.filter((key) => this.#views.delete(key));
    return {
      removed: removed.map((cell) => resourceId(this.#mesh, cell)),
      removedLayers: removedLayers.map((cell) => layerId(this.#mesh, cell)),
      removedViews: removedViews.map((key) => viewId(this.#mesh, key)),
    };
  }
}

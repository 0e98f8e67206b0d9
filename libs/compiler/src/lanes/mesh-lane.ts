import type { Lane, PassBudget } from '#libs/incremental';
import type { Published } from '../publication.js';
import { layerId, viewId } from '../publication.js';
import type { CompiledChange, CompiledResource } from '../types.js';
import { type LaneContents, readContents } from './contents.js';

/** Lists of ids by the id of what holds them, as published. */
type Lists = Map<string, readonly string[]>;

const NOTHING: CompiledChange = {
  ...{ set: [], removed: [], layers: [], removedLayers: [], views: [], removedViews: [], failures: [] },
};

/**
 * Some proxies of a mesh see what others do not see yet: a staged change. Where it differs they are given resources and
 * layers of the lane's own in place of the mesh's, under the same names; all else they share with everybody, so an
 * endpoint that comes or goes reaches both at once.
 *
 * After every publication of the mesh: `behind` it, `step` until done, then publish `next`.
 */
export class MeshLane {
  readonly #mesh: string;
  readonly #lane: Lane;
  readonly #published: Published;
  /** Layers of an instance's view as the mesh has it. */
  readonly #viewOf: (instance: string) => readonly string[] | undefined;
  #members: ReadonlySet<string> = new Set();
  readonly #resources = new Map<string, CompiledResource>();
  readonly #layers: Lists = new Map();
  readonly #views: Lists = new Map();
  /** What the mesh has removed, which the lane may still show until it has caught up. */
  readonly #held = { resources: new Set<string>(), layers: new Set<string>() };
  #names: ReadonlySet<string> = new Set();

  /** For `MeshGraph.openLane` only. */
  constructor(
    mesh: string,
    lane: Lane,
    published: Published,
    viewOf: (instance: string) => readonly string[] | undefined,
  ) {
    this.#mesh = mesh;
    this.#lane = lane;
    this.#published = published;
    this.#viewOf = viewOf;
  }

  /** Proxies that are in the lane from the next `next` on, `<namespace>/<instance>`; others see what the mesh has. */
  set members(members: ReadonlySet<string>) {
    this.#members = members;
  }

  /** @returns true once all is computed; a pass of the mesh may make it false again */
  step(budget: PassBudget): boolean {
    return this.#lane.step(budget);
  }

  /** Whether the lane has a resource of its own of this type and name, as of the last `next`. */
  differsIn(type: string, name: string): boolean {
    return this.#names.has(`${type} ${name}`);
  }

  /** A change of the mesh as it may be published now: without what would change a member's view, or take what it shows. */
  behind(compiled: CompiledChange): CompiledChange {
    for (const { key } of compiled.set) this.#held.resources.delete(key);
    for (const { id } of compiled.layers) this.#held.layers.delete(id);
    for (const key of compiled.removed) this.#held.resources.add(key);
    for (const id of compiled.removedLayers) this.#held.layers.add(id);
    for (const id of compiled.removedViews) this.#views.delete(id);
    const views = compiled.views.filter(({ id }) => !this.#views.has(id));
    return { ...compiled, views, removed: [], removedLayers: [] };
  }

  /** In what members and those who no longer are see the mesh otherwise than before. Computes what is left. */
  next(): CompiledChange {
    const contents = readContents(this.#lane.difference());
    const wanted = this.#wanted(contents);
    this.#names = new Set([...wanted.resources.values()].map(({ type, name }) => `${type} ${name}`));
    return this.#become(wanted);
  }

  /** Everybody sees what the mesh has; the lane is over. */
  close(): CompiledChange {
    this.#lane.close();
    this.#members = new Set();
    return this.#become({ resources: new Map(), layers: new Map(), views: new Map() });
  }

  #wanted(contents: LaneContents): { resources: Map<string, CompiledResource>; layers: Lists; views: Lists } {
    const resources = new Map<string, CompiledResource>();
    const layers: Lists = new Map();
    const views: Lists = new Map();
    const known = new Map<string, string>();
    const layerOf = (cell: string): string => {
      const seen = known.get(cell);
      if (seen !== undefined) return seen;
      const own = this.#ownLayer(cell, contents);
      const id = own ? laneId(layerId(this.#mesh, cell)) : layerId(this.#mesh, cell);
      known.set(cell, id);
      if (!own) return id;
      layers.set(id, own.keys);
      for (const resource of own.resources) resources.set(resource.key, resource);
      return id;
    };
    for (const instance of this.#members) {
      if (!this.#published.hasView(instance)) continue;
      const cells = contents.views.get(instance) ?? this.#viewOf(instance);
      if (cells) views.set(viewId(this.#mesh, instance), cells.map(layerOf));
    }
    return { resources, layers, views };
  }

  /** A layer as the lane has it; undefined where it is the mesh's. */
  #ownLayer(
    cell: string,
    { lists, resources }: LaneContents,
  ): { readonly keys: readonly string[]; readonly resources: readonly CompiledResource[] } | undefined {
    const before = this.#published.listed(cell);
    const listed = lists.get(cell) ?? before ?? [];
    const differing = listed.filter((one) => resources.has(one));
    if (listed === before && differing.length === 0) return undefined;
    const own = new Map(
      differing.flatMap((one) => {
        const encoded = resources.get(one);
        return encoded ? [[one, { ...encoded, key: laneId(`${this.#mesh}|${one}`) }] as const] : [];
      }),
    );
    // What fails in the lane stays as the mesh has it.
    const keys = listed.flatMap((one) => own.get(one)?.key ?? this.#published.resource(one) ?? []);
    return { keys, resources: [...own.values()] };
  }

  #become(wanted: { resources: Map<string, CompiledResource>; layers: Lists; views: Lists }): CompiledChange {
    const set = [...wanted.resources.values()].filter(
      ({ key, version }) => this.#resources.get(key)?.version !== version,
    );
    const layers = differing(this.#layers, wanted.layers).map(([id, keys]) => ({ id, keys }));
    const views = differing(this.#views, wanted.views).map(([id, of]) => ({ id, layers: of }));
    const left = [...this.#views.keys()].filter((id) => !wanted.views.has(id));
    const back = left.flatMap((id) => {
      const cells = this.#viewOf(id.slice(viewId(this.#mesh, '').length));
      return cells ? [{ id, layers: cells.map((cell) => layerId(this.#mesh, cell)) }] : [];
    });
    const removed = [...this.#resources.keys()].filter((key) => !wanted.resources.has(key));
    const removedLayers = [...this.#layers.keys()].filter((id) => !wanted.layers.has(id));
    removed.push(...this.#held.resources);
    removedLayers.push(...this.#held.layers);
    this.#held.resources.clear();
    this.#held.layers.clear();
    replace(this.#resources, wanted.resources);
    replace(this.#layers, wanted.layers);
    replace(this.#views, wanted.views);
    return { ...NOTHING, set, removed, layers, removedLayers, views: [...views, ...back] };
  }
}

/** No id of the mesh has it: kinds of cells are words. */
const laneId = (id: string): string => `${id}|~lane`;

function differing(before: Lists, after: Lists): readonly (readonly [string, readonly string[]])[] {
  return [...after].filter(([id, list]) => {
    const known = before.get(id);
    return known === undefined || known.length !== list.length || list.some((one, i) => one !== known[i]);
  });
}

function replace<V>(target: Map<string, V>, source: ReadonlyMap<string, V>): void {
  target.clear();
  for (const [key, value] of source) target.set(key, value);
}

/** Whether there is anything in it. */
export const isNothing = ({ failures: _, ...change }: CompiledChange): boolean =>
  Object.values(change).every((list) => list.length === 0);

/** Two changes that are published as one; where both say something of one view, the later counts. */
export function together(first: CompiledChange, later: CompiledChange): CompiledChange {
  const said = new Set(later.views.map(({ id }) => id));
  return {
    set: [...first.set, ...later.set],
    removed: [...first.removed, ...later.removed],
    layers: [...first.layers, ...later.layers],
    removedLayers: [...first.removedLayers, ...later.removedLayers],
    views: [...first.views.filter(({ id }) => !said.has(id)), ...later.views],
    removedViews: [...first.removedViews, ...later.removedViews],
    failures: [...first.failures, ...later.failures],
  };
}

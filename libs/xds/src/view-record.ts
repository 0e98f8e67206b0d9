import { type Cell, type Lookup, WITHHELD } from './cell.js';
import { type Whole, Wholes, wholeOf } from './delivery/whole.js';
import { globOf } from './names.js';
import type { Subscription } from './subscription.js';
import type { TypeUrl } from './types.js';

/** Stands for the names of a subscription to everything. */
const EVERYTHING: ReadonlySet<string> = new Set();

/** Where the content of a key is found: layers keep it by name, so that a lookup is one step for each layer. */
export interface Slot {
  readonly key: string;
  /** undefined: the key has none any more. */
  cell: Cell | undefined;
}

/** Someone who follows a view: a stream. */
export interface Watcher {
  /** These names of the type changed in the view. The set is shared: it must not be modified. */
  touch(type: TypeUrl, names: ReadonlySet<string>): void;
  /** The view as a whole is another one. */
  touchAll(): void;
}

/** A layer as it is looked into. */
export class LayerRecord {
  /** False for a layer that a view mentions and that was not published, or was removed. */
  defined = false;
  /** type -> name or alias -> slot of the key */
  byType = new Map<TypeUrl, Map<string, Slot>>();
  keys: readonly string[] = [];
  readonly views = new Set<ViewRecord>();
  /** type -> glob -> names; only names of the form `xdstp` belong to globs (TP-2). */
  #globs: Map<TypeUrl, Map<string, Set<string>>> | undefined;

  constructor(readonly id: string) {}

  /** Some stream follows a view with this layer: only then a change of it is anything to look at. */
  get watched(): boolean {
    for (const view of this.views) if (view.watchers.size > 0) return true;
    return false;
  }

  clear(): void {
    this.byType = new Map();
    this.#globs = undefined;
    this.keys = [];
  }

  enter(slot: Slot, cell: Cell): void {
    let names = this.byType.get(cell.type);
    if (!names) {
      names = new Map<string, Slot>();
      this.byType.set(cell.type, names);
    }
    names.set(cell.name, slot);
    for (const alias of cell.aliases) names.set(alias, slot);
    const glob = globOf(cell.name);
    if (glob !== '') this.#enterGlob(cell, glob);
  }

  /** Names by which the key is no longer to be found. */
  dropAliases(key: string, { type, aliases }: Cell): void {
    const names = this.byType.get(type);
    for (const alias of aliases) if (names?.get(alias)?.key === key) names.delete(alias);
  }

  members(type: TypeUrl, glob: string): Iterable<string> {
    return this.#globs?.get(type)?.get(glob) ?? [];
  }

  #enterGlob({ type, name }: Cell, glob: string): void {
    this.#globs ??= new Map();
    const globs = this.#globs.get(type) ?? new Map<string, Set<string>>();
    this.#globs.set(type, globs.set(glob, (globs.get(glob) ?? new Set()).add(name)));
  }
}

/** A view as streams use it. Nothing is copied for it: a lookup walks its layers, the last one first. */
export class ViewRecord {
  /** False until the view is published, and after it was removed. */
  published = false;
  layers: readonly LayerRecord[] = [];
  /** Chosen by the embedding program; undefined = none. */
  version: string | undefined;
  readonly watchers = new Set<Watcher>();
  readonly #wholes = new Map<TypeUrl, Wholes>();

  /** @param publications with the number of the newest one: after it contents may be others */
  constructor(
    readonly id: string,
    private readonly publications: { readonly change: number },
  ) {}

  /** True if streams may be served from it. A view with a layer missing is not: it would look emptier than it is. */
  get ready(): boolean {
    return this.published && this.layers.every((layer) => layer.defined);
  }

  lookup(type: TypeUrl, name: string): Lookup {
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const slot = this.layers[i]?.byType.get(type)?.get(name);
      // A withheld resource hides the one below it all the same: the layer above may be there to restrict it.
      if (slot !== undefined) return slot.cell ?? WITHHELD;
    }
    return undefined;
  }

  names(type: TypeUrl): Iterable<string> {
    const found = this.layers.flatMap(({ byType }) => byType.get(type) ?? []);
    const [only] = found;
    // As a rule: nothing is there twice.
    if (found.length === 1 && only) return only.keys();
    return new Set(found.flatMap((names) => [...names.keys()]));
  }

  /** All that the subscription includes, one list for all who have the same; `undefined` if each name is to be looked at. */
  whole(type: TypeUrl, subscription: Subscription): Whole | undefined {
    if (!this.ready) return undefined;
    const wholes = this.#wholes.get(type) ?? new Wholes();
    this.#wholes.set(type, wholes);
    const { wildcard, names } = subscription;
    return wholes.of(wildcard && names.size === 0 ? EVERYTHING : names, this.publications.change, () =>
      wholeOf(
        subscription,
        () => this.names(type),
        (name) => this.lookup(type, name),
      ),
    );
  }

  members(type: TypeUrl, glob: string): ReadonlySet<string> {
    return new Set(this.layers.flatMap((layer) => [...layer.members(type, glob)]));
  }
}

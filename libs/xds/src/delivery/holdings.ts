import type { Cell, Held } from '../cell.js';
import { RareMap } from './rare.js';
import { SharedNames } from './shared-names.js';

/** Sets that are looked through for an equal one. Clients of one kind come together, so the newest few are enough. */
const SETS_KNOWN = 16;
/** Fewer are not worth the search. */
const SHARED_FROM = 16;

const NOTHING: ReadonlyMap<string, Held> = new Map();

/**
 * Sets of contents by name, one for all streams that confirmed the same: a thousand proxies of 440 resources would else
 * build and keep a thousand maps (0.2 ms and 25 KB each, most of it garbage collection). They live as long as a stream
 * uses them.
 */
export class SharedSets {
  #known: readonly WeakRef<ReadonlyMap<string, Cell>>[] = [];
  readonly #byList = new WeakMap<readonly Cell[], ReadonlyMap<string, Cell>>();
  #names: readonly WeakRef<SharedNames>[] = [];
  /** Sets that were built. */
  built = 0;

  /** The set of these cells, in whatever order they come. */
  of(cells: readonly Cell[]): ReadonlyMap<string, Cell> {
    const set = this.#byList.get(cells) ?? this.#find(cells);
    this.#byList.set(cells, set);
    return set;
  }

  /** The set of these names, in whatever order they come; `undefined` if it is made for one stream. */
  names(list: readonly string[]): ReadonlySet<string> | undefined {
    if (list.length < SHARED_FROM) return undefined;
    for (const known of this.#names) {
      const names = known.deref();
      if (names?.equals(list)) return names;
    }
    const names = new SharedNames(list);
    if (names.size < list.length) return undefined; // one was there twice
    this.#names = [new WeakRef(names), ...this.#names.slice(0, SETS_KNOWN - 1)];
    return names;
  }

  #find(cells: readonly Cell[]): ReadonlyMap<string, Cell> {
    for (const known of this.#known) {
      const set = known.deref();
      if (set?.size === cells.length && cells.every((cell) => set.get(cell.name) === cell)) return set;
    }
    this.built++;
    const set = new Map(cells.map((cell) => [cell.name, cell]));
    this.#known = [new WeakRef(set), ...this.#known.slice(0, SETS_KNOWN - 1)];
    return set;
  }
}

/** What a client confirmed, by name: a set that it shares with others, and what has become different since. Used as a Map. */
export class Holdings implements Iterable<readonly [string, Held]> {
  #shared = NOTHING;
  readonly #own = new RareMap<string, Held>();
  /** Names that are in both; `#own` counts. */
  #replaced = 0;

  constructor(private readonly sets: SharedSets) {}

  get size(): number {
    return this.#shared.size + this.#own.size - this.#replaced;
  }

  get(name: string): Held | undefined {
    return this.#own.get(name) ?? this.#shared.get(name);
  }

  has(name: string): boolean {
    return this.#own.has(name) || this.#shared.has(name);
  }

  set(name: string, held: Held): void {
    if (this.#shared.has(name) && !this.#own.has(name)) this.#replaced++;
    this.#own.set(name, held);
  }

  delete(name: string): void {
    if (this.#shared.has(name)) this.#leaveShared();
    this.#own.delete(name);
  }

  /** Takes all of a response, if nothing was held before. @returns false if it did not: they are to be set one by one */
  takeFirst(cells: readonly Cell[]): boolean {
    if (this.size > 0 || cells.length < SHARED_FROM) return false;
    this.#shared = this.sets.of(cells);
    return true;
  }

  *[Symbol.iterator](): Generator<readonly [string, Held]> {
    const shared = this.#shared; // it may be left by whoever walks
    for (const [name, held] of shared) yield [name, this.#own.get(name) ?? held];
    for (const entry of this.#own) if (!shared.has(entry[0])) yield entry;
  }

  *keys(): Generator<string> {
    for (const [name] of this) yield name;
  }

  *values(): Generator<Held> {
    for (const [, held] of this) yield held;
  }

  #leaveShared(): void {
    const all = [...this];
    this.#shared = NOTHING;
    this.#replaced = 0;
    this.#own.clear();
    for (const [name, held] of all) this.#own.set(name, held);
  }
}

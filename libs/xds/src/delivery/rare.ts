const NO_ENTRIES: ReadonlyMap<never, never> = new Map<never, never>();

/**
 * A map that is made when something is put into it: what is only said of refusals is empty on most streams, and twenty
 * empty maps a stream would be 4 KB and 5 us.
 */
export class RareMap<K, V> {
  #entries: Map<K, V> | undefined;

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  get(key: K): V | undefined {
    return this.#entries?.get(key);
  }

  has(key: K): boolean {
    return this.#entries?.has(key) ?? false;
  }

  set(key: K, value: V): void {
    this.#entries ??= new Map();
    this.#entries.set(key, value);
  }

  delete(key: K): void {
    this.#entries?.delete(key);
  }

  clear(): void {
    this.#entries = undefined;
  }

  keys(): Iterable<K> {
    return this.#all.keys();
  }

  values(): Iterable<V> {
    return this.#all.values();
  }

  [Symbol.iterator](): Iterator<[K, V]> {
    return this.#all[Symbol.iterator]();
  }

  get #all(): ReadonlyMap<K, V> {
    return this.#entries ?? NO_ENTRIES;
  }
}

/**
 * A bounded queue with a line for each address. Addresses take turns, each in the order of its arrivals: who sends a
 * thousand waits behind nobody but himself (NET-3).
 */
export class FairQueue<T> {
  /** Lines by address, the next turn first. */
  readonly #lines = new Map<string, Set<T>>();
  #size = 0;

  /** @param capacity at least 1 */
  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.#size;
  }

  /** @returns who has to go for it if the queue is full: the newest of the longest line, which may be the item itself */
  add(address: string, item: T): T | undefined {
    const line = this.#lines.get(address);
    if (line) line.add(item);
    else this.#lines.set(address, new Set([item]));
    this.#size++;
    return this.#size > this.capacity ? this.#dropNewest() : undefined;
  }

  /** The oldest of the line whose turn it is. */
  take(): T | undefined {
    for (const [address, line] of this.#lines) {
      this.#lines.delete(address);
      for (const item of line) {
        line.delete(item);
        this.#size--;
        if (line.size > 0) this.#lines.set(address, line);
        return item;
      }
    }
    return undefined;
  }

  /** @returns false if it is not there */
  delete(address: string, item: T): boolean {
    const line = this.#lines.get(address);
    if (!line?.delete(item)) return false;
    this.#size--;
    if (line.size === 0) this.#lines.delete(address);
    return true;
  }

  #dropNewest(): T | undefined {
    let longest: [string, Set<T>] | undefined;
    for (const line of this.#lines) if (!longest || line[1].size >= longest[1].size) longest = line;
    const newest = longest && [...longest[1]].at(-1);
    if (longest && newest !== undefined) this.delete(longest[0], newest);
    return newest;
  }
}

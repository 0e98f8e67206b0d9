/** The newest of what was set, up to a weight of all together, each as long as it is fresh. */
export class Recent<T> {
  readonly #items = new Map<string, { readonly value: T; readonly at: number }>();
  #weight = 0;

  /** @param weightOf what one counts towards the limit; default: 1 */
  constructor(
    private readonly limit: number,
    private readonly weightOf: (value: T) => number = () => 1,
  ) {}

  get size(): number {
    return this.#items.size;
  }

  /** @param since what was set before is not known any more */
  get(key: string, since: number): T | undefined {
    const item = this.#items.get(key);
    return item && item.at >= since ? item.value : undefined;
  }

  set(key: string, value: T, at: number): void {
    this.#remove(key);
    this.#items.set(key, { value, at });
    this.#weight += this.weightOf(value);
    for (const oldest of this.#items.keys()) {
      if (this.#weight <= this.limit) return;
      this.#remove(oldest);
    }
  }

  clear(): void {
    this.#items.clear();
    this.#weight = 0;
  }

  #remove(key: string): void {
    const item = this.#items.get(key);
    if (!item) return;
    this.#items.delete(key);
    this.#weight -= this.weightOf(item.value);
  }
}

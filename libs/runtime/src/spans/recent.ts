/** The newest of what was set, up to a number, each as long as it is fresh. */
export class Recent<T> {
  readonly #items = new Map<string, { readonly value: T; readonly at: number }>();

  constructor(private readonly limit: number) {}

  /** @param since what was set before is not known any more */
  get(key: string, since: number): T | undefined {
    const item = this.#items.get(key);
    return item && item.at >= since ? item.value : undefined;
  }

  set(key: string, value: T, at: number): void {
    this.#items.delete(key);
    this.#items.set(key, { value, at });
    const [oldest] = this.#items.keys();
    if (this.#items.size > this.limit && oldest !== undefined) this.#items.delete(oldest);
  }

  clear(): void {
    this.#items.clear();
  }
}

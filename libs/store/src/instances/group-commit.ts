interface Waiting<Item, Outcome> {
  readonly item: Item;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Gathers items while a commit is in flight: the first one leaves at once, whatever comes meanwhile shares the next
 * commit. So latency is that of one commit, and throughput grows with the load.
 */
export class GroupCommit<Item, Outcome> {
  #waiting: Waiting<Item, Outcome>[] = [];
  #running = false;

  /**
   * @param commit carries out a batch, in order, all or nothing; one outcome an item
   * @param maxBatch largest number of items in one commit
   */
  constructor(
    private readonly commit: (items: readonly Item[]) => Promise<readonly Outcome[]>,
    private readonly maxBatch: number,
  ) {}

  /** Resolves once the item is committed; rejects with what its commit threw. */
  submit(item: Item): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, this.maxBatch);
      this.#waiting = this.#waiting.slice(this.maxBatch);
      try {
        const outcomes = await this.commit(batch.map((waiting) => waiting.item));
        for (const [index, waiting] of batch.entries()) waiting.resolve(outcomes[index] as Outcome);
      } catch (error) {
        for (const waiting of batch) waiting.reject(error);
      }
    }
    this.#running = false;
  }
}

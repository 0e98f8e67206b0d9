/** Randomness of a run: all of it comes from one seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    for (let i = 0; i < 5; i += 1) this.unit();
  }

  /** From 0 to below 1: mulberry32. */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** Whole, both included. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(share: number): boolean {
    return this.unit() < share;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.unit() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, key: this.unit() }))
      .sort((a, b) => a.key - b.key)
      .map(({ item }) => item);
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit());
  }

  poisson(mean: number): number {
    if (mean <= 0) return 0;
    if (mean > 40) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    const limit = Math.exp(-mean);
    let count = -1;
    for (let product = 1; product > limit; count += 1) product *= this.unit();
    return count;
  }

  binomial(n: number, share: number): number {
    if (n <= 0 || share <= 0) return 0;
    if (share >= 1) return n;
    if (share > 0.5) return n - this.binomial(n, 1 - share);
    const mean = n * share;
    if (mean > 30) return Math.min(n, Math.max(0, Math.round(mean + Math.sqrt(mean * (1 - share)) * this.normal())));
    return this.#rare(n, share);
  }

  /** Jumps from success to success: few of them. */
  #rare(n: number, share: number): number {
    const log = Math.log1p(-share);
    let [count, at] = [0, -1];
    for (;;) {
      at += 1 + Math.floor(Math.log(1 - this.unit()) / log);
      if (at >= n) return count;
      count += 1;
    }
  }
}

/** Looks for the items with which something fails, by delta debugging. */
import type { Steps } from '#libs/kernel';

export interface Guilty<T> {
  readonly item: T;
  readonly message: string;
}

/**
 * Halves what fails until single items are left: few trials where few are guilty. What was found to be fine stays in every
 * trial, so that of two that only fail together the later one is guilty.
 */
export class Halving<T> {
  readonly #fine: T[] = [];
  #trials = 0;

  /** @param failing says what fails with these items; undefined = nothing does @param maxTrials what is not found by then is not */
  constructor(
    private readonly failing: (items: readonly T[]) => Steps<string | undefined>,
    private readonly maxTrials: number,
  ) {}

  get exhausted(): boolean {
    return this.#trials >= this.maxTrials;
  }

  *guilty(items: readonly T[]): Steps<readonly Guilty<T>[]> {
    const message = yield* this.try(items);
    if (message === undefined) {
      this.#fine.push(...items);
      return [];
    }
    const [only] = items;
    if (only !== undefined && items.length === 1) return [{ item: only, message }];
    const middle = items.length >> 1;
    const found: Guilty<T>[] = [];
    for (const half of [items.slice(0, middle), items.slice(middle)]) {
      if (half.length > 0 && !this.exhausted) found.push(...(yield* this.guilty(half)));
    }
    return found;
  }

  /** What fails with these, and all that was found to be fine. */
  try(items: readonly T[]): Steps<string | undefined> {
    this.#trials += 1;
    return this.failing([...this.#fine, ...items]);
  }
}

/** Something's share of a whole; its weight is 0 or more. */
export interface Share<T> {
  readonly of: T;
  readonly weight: number;
}

/** Shares out a whole number by weights, without a rest: who was cut short most gets one more. Without weight nobody gets any. */
export function spread<T>(total: number, shares: readonly Share<T>[]): { readonly of: T; readonly count: number }[] {
  const sum = shares.reduce((all, { weight }) => all + weight, 0);
  if (!(sum > 0)) return [];
  const exact = shares.map(({ of, weight }) => ({ of, exact: (total * weight) / sum }));
  const counts = exact.map(({ of, exact: share }) => ({
    of,
    count: Math.floor(share),
    rest: share - Math.floor(share),
  }));
  let left = total - counts.reduce((all, { count }) => all + count, 0);
  for (const one of counts.toSorted((a, b) => b.rest - a.rest)) {
    if (left <= 0) break;
    one.count++;
    left--;
  }
  return counts.filter(({ count }) => count > 0).map(({ of, count }) => ({ of, count }));
}

/** What something is usually made of: what was seen longer ago counts for less. */
export class Mix<T> {
  readonly #weights = new Map<string, { of: T; weight: number }>();
  #bytes = 0;

  /** In memory, more or less. */
  get bytes(): number {
    return this.#bytes;
  }

  add(key: string, of: T, weight: number): void {
    const known = this.#weights.get(key);
    if (known) {
      known.weight += weight;
      known.of = of;
    } else if (this.#weights.size < MAX_PARTS) {
      this.#weights.set(key, { of, weight });
      this.#bytes += bytesOfPart(key);
    }
  }

  get shares(): readonly Share<T>[] {
    return [...this.#weights.values()];
  }

  /** Makes everything so far count half. */
  age(): void {
    for (const [key, part] of this.#weights) {
      part.weight /= 2;
      if (part.weight >= LEAST) continue;
      this.#weights.delete(key);
      this.#bytes -= bytesOfPart(key);
    }
  }
}

const MAX_PARTS = 200;
/** Without its key, whose texts are in the part itself, too. */
const PART_BYTES = 270;
const bytesOfPart = (key: string): number => PART_BYTES + 2 * key.length;
const LEAST = 0.01;

/** Tells sets of contents apart without looking at their names: each content has two numbers, and a set their sums. */
export class Fingerprints {
  readonly #numbers = new WeakMap<object, readonly [number, number]>();
  #count = 0;

  /** Equal for equal sets of the same objects, in any order. */
  of(contents: Iterable<object>): string {
    let [size, sum, mixed] = [0, 0, 0];
    for (const content of contents) {
      const [a, b] = this.#numbersOf(content);
      size += 1;
      sum = (sum + a) | 0;
      mixed ^= b;
    }
    return `${size} ${sum} ${mixed}`;
  }

  #numbersOf(content: object): readonly [number, number] {
    const known = this.#numbers.get(content);
    if (known) return known;
    this.#count += 1;
    const made = [scattered(this.#count), scattered(this.#count ^ 0x5bd1e995)] as const;
    this.#numbers.set(content, made);
    return made;
  }
}

/** A 32-bit number of which every bit depends on every bit of the given one: the finalizer of MurmurHash3. */
function scattered(number: number): number {
  let x = number;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

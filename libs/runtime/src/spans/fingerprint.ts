/** Tells sets of contents apart without a look at their names: equal for equal sets of the same contents, in any order. */
export class Fingerprint {
  #size = 0;
  #sum = 0;
  #mixed = 0;

  /** @param id of a content, unique in the process */
  add(id: number): void {
    this.#size += 1;
    this.#sum = (this.#sum + scattered(id)) | 0;
    this.#mixed ^= scattered(id ^ 0x5bd1e995);
  }

  get text(): string {
    return `${this.#size} ${this.#sum} ${this.#mixed}`;
  }
}

/** A 32-bit number of which every bit depends on every bit of the given one: the finalizer of MurmurHash3. */
function scattered(number: number): number {
  let x = number;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

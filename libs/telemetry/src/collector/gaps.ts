/** Times in which something was dropped. */
export class Gaps {
  #gaps: { readonly since: number; readonly until: number }[] = [];

  add(since: number, until: number): void {
    const last = this.#gaps.at(-1);
    // A long gap is told of in many pieces.
    if (last && since <= last.until)
      this.#gaps[this.#gaps.length - 1] = { since: Math.min(since, last.since), until: Math.max(until, last.until) };
    else this.#gaps.push({ since, until });
    if (this.#gaps.length > MOST) this.#gaps.splice(0, 1);
  }

  has(start: number, end: number): boolean {
    return this.#gaps.some(({ since, until }) => since < end && until >= start);
  }

  forget(before: number): void {
    this.#gaps = this.#gaps.filter(({ until }) => until >= before);
  }
}

const MOST = 100;

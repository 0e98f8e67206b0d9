/** Memory that several share. Each may always have an equal part of it, and what the others leave of theirs. */
export class SharedRoom {
  readonly #used = new Map<string, number>();

  /** @param most of all together. Bytes */
  constructor(readonly most: number) {}

  /** Who is not named any more leaves what it had. */
  isFor(names: readonly string[]): void {
    for (const name of [...this.#used.keys()]) if (!names.includes(name)) this.#used.delete(name);
    // Who has just come counts with its part, until it has told what it needs.
    for (const name of names) if (!this.#used.has(name)) this.#used.set(name, this.most / names.length);
  }

  /** How much one may use. Who uses more when another comes is told less the next time. Bytes */
  of(name: string): number {
    const part = this.most / Math.max(1, this.#used.size);
    let left = this.most;
    for (const [other, used] of this.#used) if (other !== name) left -= used;
    return Math.max(part, left);
  }

  /** @param bytes that it uses now */
  uses(name: string, bytes: number): void {
    this.#used.set(name, bytes);
  }
}

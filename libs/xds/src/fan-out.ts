/** Something that sends what it can when it is pumped. */
export interface Pumpable {
  pump(): void;
}

const FIRST = 8;
const CHUNK = 64;

/**
 * Pumps many streams without holding the event loop: the first few at once, so that the first client has a change
 * before the last stream was looked at, the others in chunks that let requests in between. A stream woken again before
 * its turn takes it once, with the newest state.
 */
export class FanOut {
  readonly #waiting = new Set<Pumpable>();
  #scheduled = false;

  /** Some stream waits for its turn. */
  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  wake(streams: Iterable<Pumpable>): void {
    for (const stream of streams) this.#waiting.add(stream);
    this.#run(this.#scheduled ? 0 : FIRST);
  }

  /** A closed stream takes no turn. */
  forget(stream: Pumpable): void {
    this.#waiting.delete(stream);
  }

  #run(count: number): void {
    let left = count;
    for (const stream of this.#waiting) {
      if (left-- <= 0) break;
      this.#waiting.delete(stream);
      stream.pump();
    }
    if (this.#waiting.size === 0 || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run(CHUNK);
    });
  }
}

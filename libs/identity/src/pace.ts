/** Work on the event loop is cut into slices of this length. */
const SLICE_MS = 5;

/**
 * Runs short synchronous tasks one after another and lets the event loop turn whenever they have filled a slice, so
 * that a thousand proxies that want certificates at once do not stall everybody's pings (REL-12).
 */
export class Pace {
  readonly #queue: (() => void)[] = [];
  #running = false;

  /** Resolves with the task's result, in the order of the calls. */
  run<T>(task: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push(() => {
        try {
          resolve(task());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      if (this.#running) return;
      this.#running = true;
      setImmediate(() => this.#slice());
    });
  }

  #slice(): void {
    const end = performance.now() + SLICE_MS;
    for (let task = this.#queue.shift(); task; task = this.#queue.shift()) {
      task();
      if (performance.now() >= end) break;
    }
    this.#running = this.#queue.length > 0;
    if (this.#running) setImmediate(() => this.#slice());
  }
}

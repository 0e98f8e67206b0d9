import type { Clock } from '#libs/kernel';

interface Timer {
  at: number;
  /** 0 = runs once. */
  readonly everyMs: number;
  readonly task: () => void;
}

/** A clock that stands still until a test moves it; timers run in order, and promises settle between them. */
export class HandClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();

  /** @param start milliseconds since the epoch */
  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): () => void {
    return this.#add({ at: this.#now + ms, everyMs: 0, task });
  }

  every(ms: number, task: () => void): () => void {
    return this.#add({ at: this.#now + ms, everyMs: ms, task });
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#now = timer.at;
      if (timer.everyMs === 0) this.#timers.delete(timer);
      else timer.at += timer.everyMs;
      timer.task();
      await settled();
    }
    this.#now = end;
    await settled();
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  #next(end: number): Timer | undefined {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}

/** Resolves when the promises that can settle without input and output have. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

import type { Clock } from './ports.js';

/** Work that is done again and again, one turn at a time: a turn that takes long costs the ones that were due meanwhile. */
export class Turns {
  #running: Promise<void> | undefined;
  /** Begins when the present one has ended. */
  #next: Promise<void> | undefined;
  #stopTimer: (() => void) | undefined;

  /** @param turn keeps its errors to itself */
  constructor(private readonly turn: () => Promise<void>) {}

  /** Begins one every `ms`, unless one is under way. */
  start(clock: Clock, ms: number): void {
    this.#stopTimer ??= clock.every(ms, () => this.begin());
  }

  /** Begins one now, unless one is under way. */
  begin(): void {
    if (!this.#running) void this.#begin();
  }

  /** One that begins now, or after the one that is under way: what is so now, it sees. @returns when it has ended */
  take(): Promise<void> {
    if (!this.#running) return this.#begin();
    const begin = (): Promise<void> => {
      this.#next = undefined;
      return this.#begin();
    };
    this.#next ??= this.#running.then(begin, begin);
    return this.#next;
  }

  /** The timer begins no more. @returns when what is under way has ended */
  async stop(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    await (this.#next ?? this.#running);
  }

  #begin(): Promise<void> {
    const ended = (): void => {
      if (this.#running === running) this.#running = undefined;
    };
    const running = this.turn().finally(ended);
    this.#running = running;
    return running;
  }
}

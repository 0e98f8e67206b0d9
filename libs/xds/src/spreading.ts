import type { Watcher } from './view-record.js';

/** What a publication has to tell to those who follow it: nothing of it waits for this, its contents are in force. */
export interface News {
  readonly change: number;
  /** It is only about endpoints: it may overtake what is told slowly. */
  readonly urgent: boolean;
  /** Those who were told; grows with the steps. */
  readonly woken: ReadonlySet<Watcher>;
  /** Tells some of it; each watcher is told everything in one step. */
  readonly steps: Iterator<unknown>;
}

export interface SpreadingOptions {
  /** Milliseconds. */
  readonly monotonic: () => number;
  /** Default: `setImmediate`. */
  readonly nextTurn?: (task: () => void) => void;
  /** @param woken `undefined`: all, since some may have settled meanwhile on a change that was not counted yet */
  readonly wake: (woken: ReadonlySet<Watcher> | undefined) => void;
}

/** Milliseconds of a turn of the event loop that telling may take. */
const TURN_MS = 5;
/** The same of the first turn: what those told by then are sent leaves when it ends, so the first client has it early. */
const FIRST_TURN_MS = 1;
const STEPS_A_LOOK = 32;

/**
 * Tells streams what a publication changed. A change of a whole mesh concerns thousands of streams with dozens of names
 * each: it is told over many turns of the event loop, so that a change of endpoints goes out meanwhile. What is told in
 * one short turn, as nearly everything is, is told before `tell` returns.
 */
export class Spreading {
  /** In their order; the first is under way. */
  readonly #slow: News[] = [];
  /** By the change that they wait for. */
  #waiting: { readonly change: number; readonly task: () => void }[] = [];
  #newest = 0;

  constructor(private readonly options: SpreadingOptions) {}

  /** Some streams do not know yet what they have to look at. */
  get underWay(): boolean {
    return this.#slow.length > 0;
  }

  /** The newest change that every stream knows of. */
  get change(): number {
    const [first] = this.#slow;
    return first ? first.change - 1 : this.#newest;
  }

  /** Does it once everything published so far is told: now, as a rule. */
  whenTold(task: () => void): void {
    if (this.underWay) this.#waiting.push({ change: this.#newest, task });
    else task();
  }

  tell(news: News): void {
    this.#newest = news.change;
    const overtakes = news.urgent && this.underWay;
    if (overtakes || !this.underWay) {
      const isTold = this.#run(news, overtakes ? Number.POSITIVE_INFINITY : FIRST_TURN_MS);
      this.options.wake(news.woken);
      if (isTold) return;
    }
    this.#slow.push(news);
    if (this.#slow.length === 1) this.#later();
  }

  #goOn(): void {
    const [first] = this.#slow;
    if (!first) return;
    if (this.#run(first, TURN_MS)) {
      this.#slow.shift();
      this.options.wake(undefined);
      this.#told();
    }
    if (this.underWay) this.#later();
  }

  #told(): void {
    const due = this.#waiting.filter(({ change }) => change <= this.change);
    this.#waiting = this.#waiting.filter(({ change }) => change > this.change);
    for (const { task } of due) task();
  }

  #later(): void {
    const { nextTurn = setImmediate } = this.options;
    nextTurn(() => this.#goOn());
  }

  /** @returns true if everything is told */
  #run({ steps }: News, ms: number): boolean {
    const end = this.options.monotonic() + ms;
    // Looked at now and then, so that a process that was not running for a while does not cut what is little.
    for (let step = 1; !steps.next().done; step++) {
      if (step % STEPS_A_LOOK === 0 && this.options.monotonic() > end) return false;
    }
    return true;
  }
}

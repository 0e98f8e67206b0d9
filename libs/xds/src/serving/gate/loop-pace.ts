import type { Clock } from '#libs/kernel';

const FIRST = 8;
const MOST = 64;

/**
 * How much new work a turn of the event loop may begin. While turns are short it is more each time, after a long one half
 * of it: what is measured is the lag that everybody else on this loop suffers (REL-12). It never falls to nothing.
 */
export class LoopPace {
  #allowance = FIRST;
  #left = FIRST;
  #turnBegan: number | undefined;

  /**
   * @param turnMs the longest turn that is not yet too long
   * @param onTurn called once after each turn in which something began or `again` was called
   */
  constructor(
    private readonly clock: Clock,
    private readonly turnMs: number,
    private readonly onTurn: () => void,
  ) {}

  /** Whether one more may begin in this turn. */
  get open(): boolean {
    return this.#left > 0;
  }

  begin(): void {
    this.#left--;
    this.again();
  }

  /** There is more to begin: look again in the next turn. */
  again(): void {
    if (this.#turnBegan !== undefined) return;
    this.#turnBegan = this.clock.monotonic();
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    const tookMs = this.clock.monotonic() - (this.#turnBegan ?? 0);
    this.#turnBegan = undefined;
    this.#allowance = tookMs > this.turnMs ? Math.max(1, this.#allowance >> 1) : Math.min(MOST, this.#allowance + 1);
    this.#left = this.#allowance;
    this.onTurn();
  }
}

import type { Clock } from '#libs/kernel';

/** Whether there is anything to serve yet, and a bounded wait for it (GEN-16). */
export class Readiness {
  #ready = false;
  readonly #waiting = new Set<(ready: boolean) => void>();

  constructor(
    private readonly clock: Clock,
    private readonly waitMs: number,
  ) {}

  set(): void {
    this.#ready = true;
    for (const resolve of this.#waiting) resolve(true);
    this.#waiting.clear();
  }

  /** True as soon as there is something to serve; false after the wait. */
  wait(): Promise<boolean> {
    if (this.#ready) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (ready: boolean): void => {
        cancel();
        this.#waiting.delete(settle);
        resolve(ready);
      };
      const cancel = this.clock.after(this.waitMs, () => settle(false));
      this.#waiting.add(settle);
    });
  }
}

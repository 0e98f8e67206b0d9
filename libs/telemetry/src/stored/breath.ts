import { setImmediate as breathe } from 'node:timers/promises';

/** Others wait no longer than this for whoever reads much: sidecars are served by the same event loop. Milliseconds. */
const LONGEST_MS = 8;

/** Of whoever works through very much, piece by piece. */
export class Breath {
  #since = performance.now();

  /** To be awaited after each piece: gives others a turn when it is due. */
  async taken(): Promise<void> {
    if (performance.now() - this.#since < LONGEST_MS) return;
    await breathe();
    this.#since = performance.now();
  }
}

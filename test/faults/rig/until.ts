import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until a fact holds, looking every 25 ms; a look that fails counts as "not yet".
 * @returns milliseconds it took. @throws Error after `ms`, with what the last look found
 */
export async function until(what: string, ms: number, holds: () => boolean | Promise<boolean>): Promise<number> {
  const begun = performance.now();
  let last: unknown;
  for (;;) {
    try {
      if (await holds()) return performance.now() - begun;
    } catch (error) {
      last = error;
    }
    if (performance.now() - begun > ms)
      throw new Error(`${what}: not within ${ms / 1000} s${last === undefined ? '' : `: ${String(last)}`}`);
    await sleep(25);
  }
}

export { sleep };

/** Turns of the event loop. */
import type { Steps } from '#libs/kernel';

/** Lets others have theirs. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Does work with a turn for others after each of its pieces, for work whose pieces are worth one. */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await turn();
  }
}

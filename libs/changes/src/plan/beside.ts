/** A fork of the live mesh, computed while others have their turn. */
import type { MeshFork } from '#libs/compiler';
import type { LiveMesh } from '../live.js';
import { forkOf, type Writes } from './evaluate.js';

/** How often it is begun anew when a change of the mesh ends the fork; the last time it is computed at once. */
const ATTEMPTS = 4;

/** Lets others have theirs. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/**
 * Computes what the writes reach in slices of the event loop, then judges it.
 * @param judge synchronous: what it reads of the live mesh is the state that the fork is of
 */
export async function beside<T>(live: LiveMesh, writes: Writes, judge: (fork: MeshFork) => T): Promise<T> {
  for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
    const fork = forkOf(live, writes);
    while (fork.isCurrent) {
      const budget = live.slice();
      // What comes after cannot be cut: it has a turn of its own when this one was used up.
      if (fork.step(budget) && !budget.exhausted()) return judge(fork);
      await turn();
    }
  }
  return judge(forkOf(live, writes));
}

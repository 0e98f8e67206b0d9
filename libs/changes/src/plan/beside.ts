/** A fork of the live mesh, computed and judged while others have their turn. */
import type { MeshFork } from '#libs/compiler';
import type { PassBudget } from '#libs/incremental';
import type { Steps } from '#libs/kernel';
import type { LiveMesh } from '../live.js';
import { turn } from '../turns.js';
import { forkOf, type Writes } from './evaluate.js';

/** What a fork was made of. */
export type Revisions = Pick<LiveMesh, 'configRevision' | 'runtimeRevision'>;

/**
 * Computes what the writes reach in slices of the event loop, then judges it in slices. All of it is about the mesh as it is
 * at the call: passes that come meanwhile are published at once, and neither wait nor are waited for.
 * @param judge what it reads of the mesh as it is, it reads of `fork.before`
 */
export async function beside<T>(
  live: LiveMesh,
  writes: Writes,
  judge: (fork: MeshFork, revisions: Revisions) => Steps<T>,
): Promise<T> {
  const { configRevision, runtimeRevision } = live;
  const fork = forkOf(live, writes);
  fork.hold();
  try {
    let budget = live.slice();
    while (!fork.step(budget)) budget = await nextTurn(live);
    const steps = judge(fork, { configRevision, runtimeRevision });
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (budget.exhausted()) budget = await nextTurn(live);
    }
  } finally {
    fork.release();
  }
}

async function nextTurn(live: LiveMesh): Promise<PassBudget> {
  await turn();
  return live.slice();
}

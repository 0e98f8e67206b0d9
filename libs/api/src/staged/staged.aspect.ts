import type { Changes } from '#libs/changes';
import { type Clock, isStagedOver } from '#libs/kernel';
import type { Store } from '#libs/store';
import type { ChangeAspect } from '../delivery/aspect.js';
import { viewOfStaged } from './staged.view.js';

export interface StagedAspectParts {
  readonly store: Pick<Store, 'staged'>;
  readonly changes: Pick<Changes, 'report'>;
  readonly clock: Clock;
}

/** How often a change that somebody watches is looked at. */
const LOOK_MS = 400;

/** On the page and in the events of a change: its trial. */
export const stagedAspect = ({ store, changes, clock }: StagedAspectParts): ChangeAspect => ({
  name: 'staged',
  async read(mesh, change, reader) {
    const staged = await store.staged.get(mesh, change);
    if (!staged) return undefined;
    const value = viewOfStaged(staged, { may: (seen) => reader.mayRead(seen) }, await changes.report(staged));
    // Whoever waits for a revision waits for its delivery; who asks for the trial itself, for its end.
    return { value, isFinal: isStagedOver(staged) || change.startsWith('c-') };
  },
  watch: (_mesh, _change, listener) => clock.every(LOOK_MS, listener),
});

/**
 * What a change on trial is.
 *
 * | state | means |
 * |---|---|
 * | queued | another change of the mesh is open; nobody has it |
 * | canary | open: its members have it |
 * | held | open, and waits for somebody's decision |
 * | watched | everybody has it; it is taken back if proxies refuse it, or unless it is confirmed in time |
 * | done | everybody has it for good |
 * | reverted | nobody has it any more |
 * | failed | it could not be made for everybody any more; nobody has it |
 */
export type StagedState = 'queued' | 'canary' | 'held' | 'watched' | 'done' | 'reverted' | 'failed';

interface Staged {
  readonly state: StagedState;
}

/** Some proxies have it, and the others do not. */
export const STAGED_OPEN: readonly StagedState[] = ['canary', 'held'];
const OVER: readonly StagedState[] = ['done', 'reverted', 'failed'];

export const isStagedOpen = ({ state }: Staged): boolean => STAGED_OPEN.includes(state);

/** Nothing more becomes of it. */
export const isStagedOver = ({ state }: Staged): boolean => OVER.includes(state);

/** Which wave is open, from 1; 0 = not opened, or everybody has it. @param staged.wave from 0 */
export const openWave = (staged: Staged & { readonly wave: number }): number =>
  isStagedOpen(staged) ? staged.wave + 1 : 0;

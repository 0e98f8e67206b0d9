import { isStagedOver } from '#libs/kernel';
import type { Session } from '../command.js';
import { follow } from '../delivery/follow.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note } from '../output.js';
import { stagedLine } from './render.js';
import type { StagedView } from './types.js';

interface StagedState {
  readonly staged?: StagedView;
}

/** Where somebody has to decide, there is nothing to wait for. */
const isWaiting = ({ state, confirmWithinSeconds }: StagedView): boolean =>
  state === 'held' || (state === 'watched' && confirmWithinSeconds !== undefined);

/**
 * Watches a change on trial until it is over, or waits for somebody.
 * @param onView told of each state; by itself a line for each that says something new
 * @returns the last state; undefined when nothing was heard
 */
export async function followStaged(
  s: Session,
  id: string,
  timeoutMs: number | undefined,
  onView: (view: StagedView) => void = newLines(),
): Promise<StagedView | undefined> {
  const path = `${s.meshPath}/changes/${encodeURIComponent(id)}`;
  const isOver = ({ staged }: StagedState): boolean =>
    staged !== undefined && (isStagedOver(staged) || isWaiting(staged));
  const { last } = await follow<StagedState>(s, {
    ...{ path: `${path}/events`, page: { path, isOver }, timeoutMs, isOver },
    onInterrupt: `${id} goes on; heddle change watch ${id} shows how, heddle change revert ${id} takes it back`,
    onEvent: ({ staged }) => staged && onView(staged),
  });
  return last?.staged;
}

function newLines(): (view: StagedView) => void {
  let said = '';
  return (view) => {
    // How long it is still watched is no news.
    const line = stagedLine(view).replace(/; (observed for another|to be confirmed within) \d+ s/, '');
    if (line !== said) note(line);
    said = line;
  };
}

/** @throws CliError unless it is everybody's */
export function requireKept(view: StagedView | undefined, id: string): void {
  if (view?.state === 'done' || view?.state === 'watched') return;
  const ended = view?.state === 'reverted' || view?.state === 'failed' || view?.state === 'held';
  if (!view || !ended)
    throw new CliError(`${id} is still on its way`, EXIT.undelivered, [`go on watching: heddle change watch ${id}`]);
  throw new CliError(
    view.state === 'held' ? `${id} waits for your decision: ${view.reason}` : `${id} was taken back: ${view.reason}`,
    EXIT.reverted,
  );
}

import { Cell, WITHHELD } from '../cell.js';
import { covers } from '../subscription.js';
import type { Board } from './board.js';
import { type Leaving, mayBeMet, requirementsMet } from './references.js';
import type { TypeDelivery } from './type-delivery.js';

/**
 * What is due for one name: a cell to send, a removal to send, nothing, or nothing yet. `absent` is a subscribed name
 * that does not exist and that the client does not hold either, but that must be answered (DELTA-5).
 */
export type Step = Cell | 'remove' | 'absent' | 'settled' | 'hold';

/** Looks at one name: what the client should have, what it may hold, and whether the difference may be sent now. */
export function examine(board: Board, type: TypeDelivery, name: string, leaving: Leaving): Step {
  if (!covers(type.subscription, name)) return leftover(type, name);
  const target = board.source.lookup(type.spec.url, name);
  if (target === WITHHELD) return 'settled';
  if (!target) return missing(type, name, leaving);
  const held = type.acked.get(name);
  if (!type.unknownBase && type.isRefused(name, target.version)) return pinned(type, name);
  if (held?.version === target.version && type.isCertain(name)) {
    // The client holds it: from now on it is known what that content requires.
    if (held !== target) type.acked.set(name, target);
    return type.owed.has(name) ? target : 'settled';
  }
  if (mayGo(board, type, target)) return target;
  // DELTA-6: who asks is answered, with what it had, while the newest waits.
  return type.owed.has(name) && held instanceof Cell ? held : 'hold';
}

/** Who has nothing under this name loses more by waiting for what will never come than by one route that answers 503. */
const mayGo = (board: Board, type: TypeDelivery, target: Cell): boolean =>
  requirementsMet(board, target) || (!type.mayHold(target.name) && !mayBeMet(board, target));

/** GEN-10: the newest content was refused. If the client needs an answer it is the one that it accepted before. */
function pinned(type: TypeDelivery, name: string): Step {
  if (!type.owed.has(name)) return 'settled';
  const held = type.acked.get(name);
  if (held instanceof Cell) return type.isRefused(name, held.version) ? 'settled' : held;
  return type.spec.removable && !type.mayHold(name) ? 'absent' : 'settled';
}

function missing(type: TypeDelivery, name: string, leaving: Leaving): Step {
  // DELTA-13: a removal would be refused or do harm; the client unsubscribes when it has no use for it.
  if (!type.spec.removable) return 'settled';
  if (type.mayHold(name)) return leaving.mayLeave(name) ? 'remove' : 'hold';
  return type.owed.has(name) ? 'absent' : 'settled';
}

/** Not subscribed: what is listed from before without a wildcard is known, and nothing of ours (DELTA-8). */
function leftover(type: TypeDelivery, name: string): Step {
  type.forget(name);
  return 'settled';
}

import { Cell, type Held, type Lookup, WITHHELD } from '../cell.js';
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
  const held = type.acked.get(name);
  const target = targetOf(board, type, name);
  if (!wants(type, name, target instanceof Cell ? target : held)) return leftover(type, name, target);
  if (target === WITHHELD) return 'settled';
  if (!target) return missing(type, name, leaving);
  // An alias that came to be one meanwhile: the resource itself is looked at under its own name.
  return target.name === name ? compare(board, type, target, held) : 'settled';
}

function compare(board: Board, type: TypeDelivery, target: Cell, held: Held | undefined): Step {
  const { name } = target;
  if (!type.unknownBase && type.isRefused(name, target.version)) return pinned(type, target);
  if (held?.version === target.version && type.isCertain(name)) return equal(board, type, target, held);
  if (mayGo(board, type, target)) return target;
  // DELTA-6: who asks is answered, with what it had, while the newest waits.
  return type.owed.has(name) && answers(type, held, target.aliases) ? held : 'hold';
}

/** The client holds this content. */
function equal(board: Board, type: TypeDelivery, target: Cell, held: Held): Step {
  if (held instanceof Cell && !held.wrappedLike(target, board.lifetimes)) return target;
  // From now on it is known what that content requires.
  if (held !== target) type.adopt(target);
  return type.owed.has(target.name) ? target : 'settled';
}

/** What the client is to have under the name. What is on demand exists for those who name it (WILD-5). */
export function targetOf(board: Board, { spec, subscription }: TypeDelivery, name: string): Lookup {
  const found = board.source.lookup(spec.url, name);
  return found instanceof Cell && found.onDemand && !subscription.names.has(name) ? undefined : found;
}

/** True if the subscription includes the name, or an alias of what is or was there (DELTA-14). */
export const wants = ({ subscription }: TypeDelivery, name: string, content: Lookup | Held): boolean =>
  covers(subscription, name) ||
  (content instanceof Cell && content.aliases.some((alias) => covers(subscription, alias)));

/** Who has nothing under this name loses more by waiting for what will never come than by one route that answers 503. */
const mayGo = (board: Board, type: TypeDelivery, target: Cell): boolean =>
  requirementsMet(board, target) || (!type.mayHold(target.name) && !mayBeMet(board, target));

/** GEN-10: the newest content was refused. If the client needs an answer it is the one that it accepted before. */
function pinned(type: TypeDelivery, { name, aliases }: Cell): Step {
  if (!type.owed.has(name)) return 'settled';
  const held = type.acked.get(name);
  if (answers(type, held, aliases)) return type.isRefused(name, held.version) ? 'settled' : held;
  if (type.spec.aliased) return 'absent';
  return type.spec.removable && !type.mayHold(name) ? 'absent' : 'settled';
}

/** What was accepted before can be said again; not to who asks by an alias that it does not have. */
const answers = (type: TypeDelivery, held: Held | undefined, aliases: readonly string[]): held is Cell =>
  held instanceof Cell && aliases.every((one) => held.aliases.includes(one) || !covers(type.subscription, one));

function missing(type: TypeDelivery, name: string, leaving: Leaving): Step {
  // DELTA-13: a removal would be refused or do harm; the client unsubscribes when it has no use for it.
  if (!type.spec.removable) return 'settled';
  if (type.mayHold(name)) return leaving.mayLeave(name) ? 'remove' : 'hold';
  return type.owed.has(name) ? 'absent' : 'settled';
}

/**
 * Not subscribed: what is listed from before without a wildcard is known, and nothing of ours (DELTA-8). What was asked for
 * by an alias is known to the client by another name than it has asked for: it must be told that this is no more.
 */
function leftover(type: TypeDelivery, name: string, target: Lookup): Step {
  if (type.spec.aliased && type.mayHold(name)) return target === WITHHELD ? 'settled' : 'remove';
  type.forget(name);
  return 'settled';
}

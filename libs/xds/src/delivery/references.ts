import { type Cell, Foreign, type Held } from '../cell.js';
import { covers } from '../subscription.js';
import type { Ref } from '../types.js';
import type { Board } from './board.js';
import type { TypeDelivery } from './type-delivery.js';

/**
 * Make before break, first half (ORD-2, ORD-3): a resource goes out when everything it requires is ACKed on this stream,
 * which for a cluster means that it is warm (ORD-4). What the client does not subscribe cannot be waited for: gRPC
 * clients ask for clusters only after the routes that name them.
 */
export function requirementsMet(board: Board, cell: Cell): boolean {
  return cell.requires.every((ref) => isMet(board, ref));
}

function isMet(board: Board, ref: Ref): boolean {
  const type = board.types.get(ref.type);
  // Not requested here. After a reconnect it may still come (Envoy asks for endpoints first while a cluster warms).
  if (!type) return !(board.aggregated && board.unsettled);
  return isActive(type, ref.name) || !covers(type.subscription, ref.name);
}

/** What is missing may still be confirmed: it is under way, or was not looked at yet. Refused or absent, it never will. */
export const mayBeMet = (board: Board, cell: Cell): boolean =>
  board.source.expecting === true ||
  cell.requires.every((ref) => isMet(board, ref) || !(board.types.get(ref.type)?.settled ?? false));

/** Confirmed by the client, and not on its way out. */
const isActive = (type: TypeDelivery, name: string): boolean =>
  type.acked.has(name) && !type.inFlight?.removed.includes(name);

/**
 * Make before break, second half: a resource is removed only when nothing that the client may hold still requires or
 * names it. Users go first (listeners, scopes, routes), what they use afterwards. Made for one look at a type: what is
 * in use is gathered once, so that a thousand removals cost no thousand walks over what the client holds.
 */
export class Leaving {
  #inUse: ReadonlySet<string> | 'unknown' | undefined;

  constructor(
    private readonly board: Board,
    private readonly type: TypeDelivery,
  ) {}

  mayLeave(name: string): boolean {
    const { board, type } = this;
    if (!board.aggregated) return true;
    for (const url of type.spec.users) {
      const users = board.types.get(url);
      if (users) {
        if (type.spec.usersAre === 'naming' && !atRest(users)) return false;
      } else if (board.unsettled && !type.owed.has(name)) {
        // Not asked for yet. But a client that waits for this answer asks for nothing before it has it (ORD-9).
        return false;
      }
    }
    if (type.spec.usersAre === 'naming') return true;
    this.#inUse ??= this.#gather();
    return this.#inUse !== 'unknown' && !this.#inUse.has(name);
  }

  /** Names that something needs which the client may hold (ENV-9). 'unknown': all of them may be. */
  #gather(): ReadonlySet<string> | 'unknown' {
    const names = new Set<string>();
    for (const url of this.type.spec.users) {
      const users = this.board.types.get(url);
      if (!users) continue;
      for (const [name, held] of mayBeHeld(users)) if (!this.#addUses(names, name, held)) return 'unknown';
    }
    return names;
  }

  /** @returns false if anything may be used: of this content only the version is known, it is replaced first */
  #addUses(names: Set<string>, user: string, held: Held): boolean {
    const { spec } = this.type;
    if (spec.usersAre === 'clusters') {
      // Endpoints go with their cluster: the name under which it asks for them can be read from it.
      names.add(held instanceof Foreign ? user : held.endpointsName);
      return true;
    }
    if (held instanceof Foreign) return false;
    for (const ref of held.requires) if (ref.type === spec.url) names.add(ref.name);
    return true;
  }
}

function* mayBeHeld(users: TypeDelivery): Iterable<readonly [string, Held]> {
  yield* users.acked;
  yield* users.orphans;
  for (const cell of users.inFlight?.cells ?? []) yield [cell.name, cell];
}

/** Users that only name what they use, in contents that are not read here: wait until they have settled. */
const atRest = (users: TypeDelivery): boolean => users.settled || onlyHeldBack(users);

/** What is held back or pinned does not change any more by itself; waiting for it could last for ever. */
const onlyHeldBack = (users: TypeDelivery): boolean =>
  !users.inFlight && !users.allDirty && !users.answerDue && [...users.dirty].every((name) => users.held.includes(name));

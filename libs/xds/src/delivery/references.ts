import { type Cell, Foreign, type Held } from '../cell.js';
import { covers } from '../subscription.js';
import type { TypeUrl } from '../types.js';
import type { Board } from './board.js';
import type { TypeDelivery } from './type-delivery.js';

/**
 * Make before break, first half (ORD-2, ORD-3): a resource goes out when everything it requires is ACKed on this stream,
 * which for a cluster means that it is warm (ORD-4). What the client does not subscribe cannot be waited for: gRPC
 * clients ask for clusters only after the routes that name them.
 */
export function requirementsMet(board: Board, cell: Cell): boolean {
  return cell.requires.every((ref) => {
    const type = board.types.get(ref.type);
    // Not requested here. After a reconnect it may still come (Envoy asks for endpoints first while a cluster warms).
    if (!type) return !(board.aggregated && board.unsettled);
    return isActive(type, ref.name) || !covers(type.subscription, ref.name);
  });
}

/** Confirmed by the client, and not on its way out. */
const isActive = (type: TypeDelivery, name: string): boolean =>
  type.acked.has(name) && !type.inFlight?.removed.includes(name);

/**
 * Make before break, second half: a resource is removed only when nothing that the client may hold still requires or
 * names it. Users go first (listeners, scopes, routes), what they use afterwards.
 */
export function mayLeave(board: Board, type: TypeDelivery, name: string): boolean {
  if (!board.aggregated) return true;
  return type.spec.users.every((url) => {
    const users = board.types.get(url);
    if (!users) return !board.unsettled;
    return type.spec.usersRequire ? !mayRequire(users, type.spec.url, name) : atRest(users);
  });
}

/** Something of this type that the client may hold requires the resource, or may do so (ENV-9). */
function mayRequire(users: TypeDelivery, url: TypeUrl, name: string): boolean {
  for (const held of users.acked.values()) if (requiresIt(held, url, name)) return true;
  for (const orphan of users.orphans.values()) if (requiresIt(orphan, url, name)) return true;
  return users.inFlight?.cells.some((cell) => requiresIt(cell, url, name)) ?? false;
}

/** A content of which only the version is known may require anything: it is replaced or removed first. */
const requiresIt = (held: Held, url: TypeUrl, name: string): boolean =>
  held instanceof Foreign || held.requires.some((ref) => ref.name === name && ref.type === url);

/** Users that only name what they use, in contents that are not read here: wait until they have settled. */
const atRest = (users: TypeDelivery): boolean => users.settled || onlyHeldBack(users);

/** What is held back or pinned does not change any more by itself; waiting for it could last for ever. */
const onlyHeldBack = (users: TypeDelivery): boolean =>
  !users.inFlight && !users.allDirty && !users.answerDue && [...users.dirty].every((name) => users.held.includes(name));

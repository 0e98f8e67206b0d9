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
    if (type.spec.usersAre === 'requiring') return !mayRequire(users, type.spec.url, name);
    return type.spec.usersAre === 'naming' ? atRest(users) : !mayUseEndpoints(users, name);
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

/** Endpoints go with their cluster: the name under which a cluster asks for them can be read from it. */
function mayUseEndpoints(clusters: TypeDelivery, name: string): boolean {
  for (const [cluster, held] of clusters.acked) {
    if (held instanceof Foreign ? cluster === name : held.endpointsName === name) return true;
  }
  for (const orphan of clusters.orphans.values()) if (orphan.endpointsName === name) return true;
  return clusters.inFlight?.cells.some((cell) => cell.endpointsName === name) ?? false;
}

/** Users that only name what they use, in contents that are not read here: wait until they have settled. */
const atRest = (users: TypeDelivery): boolean => users.settled || onlyHeldBack(users);

/** What is held back or pinned does not change any more by itself; waiting for it could last for ever. */
const onlyHeldBack = (users: TypeDelivery): boolean =>
  !users.inFlight && !users.allDirty && !users.answerDue && [...users.dirty].every((name) => users.held.includes(name));

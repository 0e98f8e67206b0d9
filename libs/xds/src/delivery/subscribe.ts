import { TYPE } from '#libs/envoy-api';
import { type Cell, Foreign, NOTHING_VERSION } from '../cell.js';
import { isGlob } from '../names.js';
import { covers, type SubscriptionChange } from '../subscription.js';
import type { TypeUrl } from '../types.js';
import type { Board } from './board.js';
import { wants } from './examine.js';
import type { TypeDelivery } from './type-delivery.js';

type Versions = ReadonlyMap<string, string> | undefined;

/** What the client may run of a type from its last stream, without saying so (ENV-1). */
export type LeftOf = (type: TypeUrl) => readonly Cell[];

/**
 * DELTA-8: what the client holds from before. Removals follow from it when the names are looked at.
 * @param versions of the first message of the type
 */
export function resume(delivery: TypeDelivery, versions: ReadonlyMap<string, string>, leftOf: LeftOf): void {
  for (const [name, version] of versions) {
    // OND-2: that there was nothing is nothing that it could hold.
    if (delivery.spec.aliased && version === NOTHING_VERSION) continue;
    delivery.acked.set(name, new Foreign(version));
    delivery.dirty.add(name);
  }
  // ENV-1: it is said once more, or removed; what the client itself says that it holds needs neither.
  for (const cell of leftOf(delivery.spec.url)) {
    if (cell.hollow || versions.get(cell.name) === cell.version || !wants(delivery, cell.name, cell)) continue;
    delivery.orphans.set(cell.name, cell);
    delivery.dirty.add(cell.name);
  }
}

/** Makes of a change of subscription what is to be answered, looked at and forgotten. Not for secrets. */
export function follow(board: Board, delivery: TypeDelivery, change: SubscriptionChange, versions: Versions): void {
  if (change.wildcard === 'gained') {
    delivery.allDirty = true;
    delivery.answerDue = !versions || versions.size === 0;
  }
  for (const name of change.left) delivery.dirty.add(name);
  if (change.first && !versions?.size && delivery.dirty.size === 0 && isPlain(change)) {
    // A new client, as a rule.
    delivery.allDirty = true;
    delivery.owesAll = true;
    return;
  }
  // DELTA-8b: on the first message the version listed for a name stands in for the answer, if it is ours. An alias has
  // none: a request may have been waiting for it since the last stream, so it is answered.
  const answer = (name: string): void => {
    if (versions?.has(name)) delivery.dirty.add(name);
    else delivery.owe(name);
  };
  for (const name of change.answer) {
    if (isGlob(name)) for (const one of membersOf(board, delivery, name)) answer(one);
    else answer(name);
  }
  if (change.first && delivery.spec.url === TYPE.endpoint) resumeEndpoints(board, delivery, versions);
}

/** Names that are not subscribed any more: what was sent of them is forgotten, if nothing else includes it (SOTW-7). */
export function forget(board: Board, delivery: TypeDelivery, change: SubscriptionChange): void {
  for (const name of change.dropped) {
    if (isGlob(name)) forgetUncovered(delivery);
    else forgetOne(board, delivery, board.keyOf(delivery, name));
  }
  if (change.wildcard !== 'lost') return;
  forgetUncovered(delivery);
  delivery.answerDue = false;
}

function forgetOne(board: Board, delivery: TypeDelivery, key: string): void {
  // What another alias asks for may be on its way and not held yet.
  const target = delivery.spec.aliased ? board.source.lookup(delivery.spec.url, key) : undefined;
  if (!wants(delivery, key, target) && !wants(delivery, key, delivery.acked.get(key))) delivery.forget(key);
}

function forgetUncovered(delivery: TypeDelivery): void {
  const { subscription } = delivery;
  for (const name of [...delivery.acked.keys(), ...delivery.orphans.keys(), ...delivery.dirty]) {
    if (!covers(subscription, name)) delivery.forget(name);
  }
}

/** All that is subscribed is to be answered under the name that was given. */
const isPlain = ({ answer, state }: SubscriptionChange): boolean =>
  answer.length === state.names.size && !answer.some(isGlob);

/** What a subscribed glob asks for: its members; one without members is asked for itself. */
function membersOf({ source }: Board, { spec }: TypeDelivery, glob: string): readonly string[] {
  const members = [...source.members(spec.url, glob)];
  return members.length > 0 ? members : [glob];
}

/**
 * The exact rule for endpoints after a reconnect: equal versions are skipped, unless endpoints are asked for before
 * clusters or a name comes without a version. Either means that something was warming, and then all go out once.
 */
export function resumeEndpoints(board: Board, delivery: TypeDelivery, versions: Versions): void {
  if (!versions || versions.size === 0) return;
  const { names } = delivery.subscription;
  const beforeClusters = board.aggregated && !board.types.has(TYPE.cluster);
  const warming = beforeClusters || [...names].some((name) => !versions.has(name));
  if (warming) for (const name of names) delivery.owe(name);
}

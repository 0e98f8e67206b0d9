import { globOf, isXdstp } from './names.js';

/**
 * What a client has subscribed to for one type on one stream, as a value: requests go in, a new value and what follows
 * from it come out. No I/O and no knowledge of resources, so that the hardest rules of the protocol are tables of tests.
 */
export interface Subscription {
  /** False until the first request for the type. */
  readonly started: boolean;
  /** All resources of the client's view are subscribed. */
  readonly wildcard: boolean;
  /** A name (or `*`) was given at some time: from then on an empty list no longer means everything (WILD-2). */
  readonly named: boolean;
  /** Names subscribed explicitly. They may lie outside of the wildcard set (WILD-5) or not exist yet (GEN-12). */
  readonly names: ReadonlySet<string>;
}

export interface SubscriptionChange {
  readonly state: Subscription;
  /** The first request for this type on this stream. */
  readonly first: boolean;
  /** Names that must be answered even if the client is thought to hold them (DELTA-1, DELTA-6, SOTW-6). */
  readonly answer: readonly string[];
  /** Names that are not given any more and still included: what is on demand is not any more (WILD-5). */
  readonly left: readonly string[];
  /** Names that are not subscribed any more by any means: what was sent of them is forgotten (SOTW-7). */
  readonly dropped: readonly string[];
  readonly wildcard: 'gained' | 'lost' | 'same';
}

const WILDCARD = '*';
const NOTHING: readonly string[] = [];

export const NO_SUBSCRIPTION: Subscription = { started: false, wildcard: false, named: false, names: new Set() };

/** True if the subscription includes the name: `*` includes none of the form `xdstp` (TP-3), globs do (TP-2). */
export const covers = (s: Subscription, name: string): boolean =>
  isXdstp(name) ? s.names.has(name) || s.names.has(globOf(name)) : s.wildcard || s.names.has(name);

/** What a nonce says about the response in flight. */
export type Verdict = 'ack' | 'nack' | 'stale' | 'none';

/**
 * Pairs a request with the response in flight by nonce alone. Subscription changes are honoured whatever the verdict
 * (SOTW-8, DELTA-11, GEN-11). `stale`: a nonce that is not the last one sent for this type on this stream; a forged or
 * replayed one is the same (SEC-11). `none`: no nonce, or that of a response already answered: grpc-js repeats its
 * refusal with every later request.
 */
export function judgeNonce(nonce: string, refused: boolean, inFlight: string, last: string): Verdict {
  if (nonce === '') return 'none';
  if (nonce === inFlight) return refused ? 'nack' : 'ack';
  return nonce === last ? 'none' : 'stale';
}

export interface Rules {
  /** An empty first request subscribes to everything. Never for gRPC clients, whatever the type (WILD-6). */
  readonly legacyWildcard: boolean;
  /** False: `*` means nothing and is ignored, as for secrets, which nobody gets all of. */
  readonly wildcard: boolean;
  /** A set of exactly these names that others have, too. */
  readonly shared?: (names: readonly string[]) => ReadonlySet<string> | undefined;
}

interface DeltaNames {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
}

/** A delta request: names join, then names leave (WILD-8). */
export function reduceDelta(before: Subscription, request: DeltaNames, rules: Rules): SubscriptionChange {
  const { subscribe, unsubscribe } = request;
  const first = !before.started;
  if (!first && subscribe.length === 0 && unsubscribe.length === 0) return unchanged(before);
  const shared = sharedNames(before, request, rules);
  if (shared) return named(before, shared, subscribe);
  const names = new Set(before.names);
  // WILD-1, WILD-4: an empty first subscription is everything, and stays so when names are added.
  let wildcard = before.wildcard || (first && subscribe.length === 0 && rules.legacyWildcard);
  for (const name of subscribe) {
    if (name === WILDCARD) wildcard = rules.wildcard;
    else names.add(name);
  }
  const left: string[] = [];
  for (const name of unsubscribe) {
    if (name === WILDCARD) wildcard = false;
    // DELTA-7: a name that was not subscribed is ignored.
    else if (names.delete(name)) left.push(name);
  }
  const state = { started: true, wildcard, named: before.named || subscribe.length > 0, names };
  const joined = subscribe.filter((name) => names.has(name));
  if (left.length === 0) return { state, first, answer: joined, left, dropped: left, wildcard: compare(before, state) };
  // DELTA-6: what is unsubscribed but still covered by the wildcard, or a glob, gets an answer.
  const answer = [...joined, ...left.filter((name) => covers(state, name))];
  const dropped = left.filter((name) => !covers(state, name));
  return { state, first, answer, left: NOTHING, dropped, wildcard: compare(before, state) };
}

/** The names of a first request that has nothing else, as a set that others have, too. */
function sharedNames(before: Subscription, { subscribe, unsubscribe }: DeltaNames, { shared }: Rules) {
  const isPlain = !before.started && unsubscribe.length === 0 && !subscribe.includes(WILDCARD);
  return isPlain ? shared?.(subscribe) : undefined;
}

/** The first request, for nothing but these names. */
const named = (before: Subscription, names: ReadonlySet<string>, listed: readonly string[]): SubscriptionChange => ({
  state: { started: true, wildcard: false, named: true, names },
  first: !before.started,
  answer: listed,
  left: NOTHING,
  dropped: NOTHING,
  wildcard: 'same',
});

/** A state-of-the-world request: its list is the whole subscription (SOTW-6). */
export function reduceSotw(before: Subscription, listed: readonly string[], rules: Rules): SubscriptionChange {
  const first = !before.started;
  if (listed.length === 0 && !before.named) {
    // WILD-1: stays everything as long as all requests so far were empty.
    const state = { ...before, started: true, wildcard: rules.legacyWildcard };
    return { state, first, answer: NOTHING, left: NOTHING, dropped: NOTHING, wildcard: compare(before, state) };
  }
  // WILD-2: a `*` that is written out is more than the empty list that meant the same, though nothing else changes.
  if (!first && before.named && sameNames(before, listed)) return unchanged(before);
  const names = new Set(listed);
  const wildcard = names.delete(WILDCARD) && rules.wildcard;
  const state = { started: true, wildcard, named: true, names };
  const answer = [...names].filter((name) => !before.names.has(name));
  const gone = [...before.names].filter((name) => !names.has(name));
  const left = gone.filter((name) => covers(state, name));
  const dropped = left.length === 0 ? gone : gone.filter((name) => !covers(state, name));
  return { state, first, answer, left, dropped, wildcard: compare(before, state) };
}

const unchanged = (state: Subscription): SubscriptionChange => ({
  state,
  first: false,
  answer: NOTHING,
  left: NOTHING,
  dropped: NOTHING,
  wildcard: 'same',
});

const compare = (before: Subscription, after: Subscription): SubscriptionChange['wildcard'] =>
  before.wildcard === after.wildcard ? 'same' : after.wildcard ? 'gained' : 'lost';

/** An ACK repeats the whole list: the common case must not build a new set. */
function sameNames(before: Subscription, listed: readonly string[]): boolean {
  const expected = before.names.size + (before.wildcard ? 1 : 0);
  return (
    listed.length === expected &&
    listed.every((name) => (name === WILDCARD ? before.wildcard : before.names.has(name))) &&
    new Set(listed).size === expected
  );
}

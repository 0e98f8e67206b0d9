import { valueHash } from '#libs/kernel';
import type { IndexKind, InputKind, Override, QueryKind } from './types.js';

/** Canonical JSON has no `undefined`, yet a query may well answer that there is nothing. */
const canonicalHash = (value: unknown): string => (value === undefined ? 'undefined' : valueHash(value));

/**
 * Declares a kind of input.
 * @param name unique in a graph; printed by `explain`
 * @param hash content identity; by default the hash of the canonical JSON, which holds plain JSON values only. A cheap
 *   one (a stored version) is welcome if equal hashes mean equal values. Map, Set, bytes and classes need their own.
 */
export function defineInput<V>(name: string, hash: (value: V) => string = canonicalHash): InputKind<V> {
  return { type: 'input', name, hash };
}

/** Declares an index over a kind of input. `keysOf` must be pure and must not throw; duplicates among its keys count once. */
export function defineIndex<V>(index: {
  readonly name: string;
  readonly of: InputKind<V>;
  readonly keysOf: (key: string, value: V) => readonly string[];
}): IndexKind<V> {
  return { type: 'index', ...index };
}

/**
 * Declares a query. `run` must be pure: its result depends on what it reads through `ctx` and on the key, on nothing else.
 * Without `hash` the value is hashed by its canonical JSON; a value that has none (Map, Set, bytes, class instances)
 * makes the cell fail, so such a query passes its own.
 */
export function defineQuery<V>(query: {
  readonly name: string;
  readonly run: (ctx: Parameters<QueryKind<V>['run']>[0], key: string) => V;
  readonly hash?: ((value: V) => string) | undefined;
  readonly lists?: QueryKind<V>['lists'];
  readonly isInner?: boolean;
}): QueryKind<V> {
  const { name, run, hash = canonicalHash, lists, isInner = false } = query;
  return { type: 'query', name, run, hash, lists, isInner };
}

/** An override for `Graph.fork`, with the value's type checked; `undefined` removes the input in the fork. */
export function override<V>(kind: InputKind<V>, key: string, value: V | undefined): Override {
  return { kind, key, value };
}

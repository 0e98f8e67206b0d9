import { compareCodeUnits } from '#libs/kernel';
import type { AnyIndex } from './types.js';
import { GraphFault } from './types.js';

/** What one change of inputs does to the members of one index key. */
export interface MemberDelta {
  readonly added: string[];
  readonly removed: Set<string>;
}
export type IndexDelta = Map<string, MemberDelta>;

/** One input before and after; `undefined` where it is absent. */
export interface InputChange {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** An index key without members. */
export const NO_MEMBERS: readonly string[] = Object.freeze([]);

/** @throws GraphFault when `keysOf` throws: it is declared total, and a graph with half an index would lie. */
export function keysOf(index: AnyIndex, key: string, value: unknown): readonly string[] {
  if (value === undefined) return NO_MEMBERS;
  try {
    return index.keysOf(key, value as never);
  } catch (cause) {
    throw new GraphFault(`index ${index.name} has no keys for ${index.of.name} ${key}`, { cause });
  }
}

/** Members by index key, each list in code-unit order without duplicates. */
export function buildIndex(
  index: AnyIndex,
  inputs: Iterable<readonly [string, unknown]>,
): Map<string, readonly string[]> {
  const sets = new Map<string, string[]>();
  for (const [key, value] of inputs) {
    for (const indexKey of new Set(keysOf(index, key, value))) {
      const members = sets.get(indexKey);
      if (members) members.push(key);
      else sets.set(indexKey, [key]);
    }
  }
  const built = new Map<string, readonly string[]>();
  for (const [indexKey, members] of sets) built.set(indexKey, Object.freeze(members.sort(compareCodeUnits)));
  return built;
}

/** Which index keys gain or lose members by these changes; each input key at most once among them. */
export function indexDelta(index: AnyIndex, changes: Iterable<InputChange>): IndexDelta {
  const delta: IndexDelta = new Map();
  const at = (indexKey: string): MemberDelta => {
    const known = delta.get(indexKey) ?? { added: [], removed: new Set<string>() };
    delta.set(indexKey, known);
    return known;
  };
  for (const { key, before, after } of changes) {
    const old = new Set(keysOf(index, key, before));
    const now = new Set(keysOf(index, key, after));
    for (const indexKey of old) if (!now.has(indexKey)) at(indexKey).removed.add(key);
    for (const indexKey of now) if (!old.has(indexKey)) at(indexKey).added.push(key);
  }
  return delta;
}

/** The members after a delta, a new frozen list: readers may hold the old one. */
export function applyDelta(members: readonly string[], delta: MemberDelta): readonly string[] {
  const kept = delta.removed.size === 0 ? members : members.filter((member) => !delta.removed.has(member));
  return Object.freeze([...kept, ...delta.added].sort(compareCodeUnits));
}

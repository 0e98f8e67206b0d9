import { invariant } from '#libs/kernel';
import { BUILT_IN } from './kinds/built-in.js';
import { roleKind } from './kinds/role.js';
import { roleBindingKind } from './kinds/role-binding.js';
import type { PolicyKind } from './policy.js';
import type { KindInfo } from './registry.js';

/** What a kind is called, and where its resources live. */
export type KindName = Pick<KindInfo, 'kind' | 'plural' | 'aliases' | 'scope'>;

export type PolicyName = Pick<PolicyKind, 'kind' | 'plural'>;

export interface KindNames {
  readonly kinds: readonly KindName[];
  /** By kind, plural or alias, in any case. */
  find(name: string): KindName | undefined;
}

/**
 * The names of all kinds, for programs that read and compile nothing: what policies are made of takes half a second to load.
 * @throws Error when two kinds share a name, plural or alias: a mistake of the program, not of a user
 */
export function createKindNames(policies: readonly PolicyName[]): KindNames {
  const kinds = [
    ...BUILT_IN.map(({ info }) => info),
    ...policies.map(({ kind, plural }): KindName => ({ kind, plural, aliases: [], scope: 'namespace' })),
    roleBindingKind.info,
    roleKind([]).info,
  ];
  const byName = indexNames(kinds);
  return { kinds, find: (name) => byName.get(name.toLowerCase()) };
}

/** @throws Error when two share a name */
export function indexNames<K extends KindName>(kinds: readonly K[]): ReadonlyMap<string, K> {
  const index = new Map<string, K>();
  for (const kind of kinds) {
    for (const name of new Set([kind.kind.toLowerCase(), kind.plural, ...kind.aliases])) {
      invariant(!index.has(name), `two kinds are called ${name}`);
      index.set(name, kind);
    }
  }
  return index;
}

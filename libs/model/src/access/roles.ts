import type { RoleRule } from '../domain.js';
import type { KindGroup } from '../kind-groups.js';
import type { KindInfo } from '../registry.js';
import { type Labels, VERBS, type Verb } from './permissions.js';
import type { Grant } from './rights.js';

/** Where a role is given. */
export interface Scope {
  readonly mesh: string;
  /** Empty = the whole mesh. */
  readonly namespaces: readonly string[];
  readonly labels: Labels;
  /** For people. */
  readonly from: string;
}

/** Roles that are always there, weakest first; see `builtInRules`. */
export const BUILT_IN_ROLES = ['viewer', 'editor', 'operator', 'security', 'auditor', 'admin'] as const;
export type BuiltInRole = (typeof BUILT_IN_ROLES)[number];

export const isBuiltInRole = (name: string): name is BuiltInRole => BUILT_IN_ROLES.some((known) => known === name);

/** What each built-in role is for, in one sentence. */
export const ROLE_SUMMARIES: Readonly<Record<BuiltInRole, string>> = {
  viewer: 'reads everything but roles, tokens and the audit',
  editor:
    'viewer, and writes topology, traffic, resilience and operation, and silences alerts; not Mesh, nor what is about security',
  operator:
    'viewer, and writes every kind but roles, registers instances, silences alerts, makes and revokes proxy tokens',
  security: 'auditor, and writes what is about security; revokes tokens',
  auditor: 'reads everything, also roles, tokens and the audit',
  admin: 'everything, also granting roles and making tokens',
};

const READ = ['get', 'list', 'watch'] as const;
const WRITE = ['create', 'update', 'delete'] as const;
const CONFIGURATION: readonly KindGroup[] = ['topology', 'traffic', 'resilience', 'security', 'operation'];

const rule = (verbs: RoleRule['verbs'], kinds: readonly string[], groups: readonly KindGroup[] = []): RoleRule => {
  return { verbs, kinds, groups, namespaces: [], names: [], labels: {} };
};

const VIEW = rule(READ, ['Instance', 'Proxy', 'Metrics', 'Alert', 'Silence'], CONFIGURATION);
/** Whoever writes rules may also say that an alert is known. */
const SILENCE = rule(['create', 'delete'], ['Silence']);
const READ_ALL = rule(READ, ['*']);

/** The rules of a built-in role; kinds that come later belong to the roles by their group. */
export function builtInRules(role: BuiltInRole, kinds: readonly KindInfo[]): readonly RoleRule[] {
  switch (role) {
    case 'viewer':
      return [VIEW];
    case 'editor': {
      // A mesh as a whole is no part of what is edited in it.
      const topology = kinds.filter(({ kind, group }) => group === 'topology' && kind !== 'Mesh').map((k) => k.kind);
      return [VIEW, rule(WRITE, topology, ['traffic', 'resilience', 'operation']), SILENCE];
    }
    case 'operator':
      return [VIEW, rule(WRITE, ['Instance'], CONFIGURATION), rule(['create', 'delete'], ['ProxyToken']), SILENCE];
    case 'security':
      return [READ_ALL, rule(WRITE, [], ['security']), rule(['delete'], ['ProxyToken', 'ApiToken'])];
    case 'auditor':
      return [READ_ALL];
    case 'admin':
      return [rule(['*'], ['*'])];
  }
}

/** The rights that a role gives in a scope. A rule that contradicts the scope gives none. */
export function grantsOf(rules: readonly RoleRule[], kinds: readonly KindInfo[], scope: Scope): readonly Grant[] {
  return rules.flatMap((one): Grant[] => {
    const namespaces = meet(one.namespaces, scope.namespaces);
    const labels = merge(one.labels, scope.labels);
    if (namespaces === 'none' || labels === 'none') return [];
    return [
      {
        verbs: new Set(one.verbs.includes('*') ? VERBS : (one.verbs as readonly Verb[])),
        kinds: kindsOf(one, kinds),
        mesh: scope.mesh,
        namespaces,
        names: one.names.length > 0 ? new Set(one.names) : undefined,
        labels,
        from: scope.from,
      },
    ];
  });
}

function kindsOf(one: RoleRule, kinds: readonly KindInfo[]): ReadonlySet<string> | undefined {
  if (one.kinds.includes('*')) return undefined;
  const grouped = kinds.filter(({ group }) => one.groups.includes(group)).map(({ kind }) => kind);
  return new Set([...one.kinds, ...grouped]);
}

function meet(rules: readonly string[], scope: readonly string[]): ReadonlySet<string> | undefined | 'none' {
  if (rules.length === 0 && scope.length === 0) return undefined;
  if (rules.length === 0 || scope.length === 0) return new Set([...rules, ...scope]);
  const both = rules.filter((namespace) => scope.includes(namespace));
  return both.length > 0 ? new Set(both) : 'none';
}

function merge(one: Labels, other: Labels): Labels | 'none' {
  const clash = Object.entries(one).some(([key, value]) => Object.hasOwn(other, key) && other[key] !== value);
  return clash ? 'none' : { ...one, ...other };
}

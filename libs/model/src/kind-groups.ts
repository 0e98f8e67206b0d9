/** What a kind is about: roles are given for whole groups, and rollback and prune leave two of them alone. */
export const KIND_GROUPS = ['topology', 'traffic', 'resilience', 'security', 'operation', 'administration'] as const;
export type KindGroup = (typeof KIND_GROUPS)[number];

/**
 * True for kinds that rollback and prune touch with `--include-security` only: who may do what, who may call whom, and
 * Mesh, whose mutual TLS and trust domain are of that sort.
 */
export const needsIncludeSecurity = ({ kind, group }: { readonly kind: string; readonly group: KindGroup }): boolean =>
  group === 'security' || group === 'administration' || kind === 'Mesh';

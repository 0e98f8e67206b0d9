import type { Denial, ProposedWrite } from '#libs/changes';
import {
  type Extent,
  grantsOf,
  type Registry,
  type Rights,
  type Role,
  type RoleBinding,
  type RoleRule,
} from '#libs/model';
import type { RolePolicies } from './role-policies.js';
import { meaningOf } from './write-rules.js';

interface Granting {
  readonly registry: Registry;
  readonly policies: RolePolicies;
  readonly rights: Rights;
  readonly mesh: string;
  readonly write: ProposedWrite;
  /** All of the request: a binding may come with its role. */
  readonly writes: readonly ProposedWrite[];
}

/**
 * Nobody grants what he does not hold: a Role may have the rights of its author, or he holds `escalate` on Role; a
 * RoleBinding gives what its author holds where it gives it, or he holds `bind` on the Role. Taking away needs nothing.
 */
export function grantingDenials(granting: Granting): readonly Denial[] {
  const { registry, mesh, write } = granting;
  const value = write.after && meaningOf(registry, mesh, write.after);
  if (value?.type === 'Role') return roleDenials(granting, value.value);
  if (value?.type === 'RoleBinding') return bindingDenials(granting, value.value);
  return [];
}

function roleDenials({ registry, rights, mesh, write }: Granting, role: Role): readonly Denial[] {
  if (rights.covers({ verb: 'escalate', kind: 'Role', mesh, namespace: '', name: role.name })) return [];
  const wanted = grantsOf(role.rules, registry.kinds, { mesh, namespaces: [], labels: {}, from: '' });
  return lacking(write, rights.lacks(wanted));
}

function bindingDenials(granting: Granting, binding: RoleBinding): readonly Denial[] {
  const { policies, rights, mesh, write } = granting;
  const { role, namespaces, labels } = binding;
  const homes: readonly (string | undefined)[] = namespaces.length > 0 ? namespaces : [undefined];
  const missing = homes
    .map((namespace): Extent => ({ verb: 'bind', kind: 'Role', mesh, namespace, name: role, labels }))
    .filter((extent) => !rights.covers(extent));
  if (missing.length === 0) return [];
  const rules = rulesInRequest(granting, role) ?? policies.rulesOf(mesh, role);
  if (rules) return lacking(write, rights.lacks(policies.grantsOfBinding(mesh, binding, rules)));
  // What a role will hold that is not there yet, nobody can tell.
  return missing.slice(0, 1).map((extent) => denial(write, extent, `there is no role ${role}`));
}

function rulesInRequest({ registry, mesh, writes }: Granting, name: string): readonly RoleRule[] | undefined {
  const written = writes.find(({ id, after }) => after && id.kind === 'Role' && id.name === name)?.after;
  const value = written && meaningOf(registry, mesh, written);
  return value?.type === 'Role' ? value.value.rules : undefined;
}

const lacking = (write: ProposedWrite, lacks: readonly Extent[]): readonly Denial[] =>
  lacks.slice(0, 1).map((extent) => {
    const more = lacks.length > 1 ? `, and ${lacks.length - 1} more that you do not hold` : '';
    return denial(write, extent, `nobody grants what he does not hold${more}`);
  });

const denial = ({ id }: ProposedWrite, { labels: _, ...missing }: Extent, reason: string): Denial => ({
  resource: id,
  missing,
  hidden: false,
  reason,
});

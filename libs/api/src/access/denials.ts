import type { Denial } from '#libs/changes';
import {
  BUILT_IN_ROLES,
  builtInRules,
  type Extent,
  grantsOf,
  type KindInfo,
  printExtent,
  Rights,
  SERVER,
  type Verb,
} from '#libs/model';
import { ProblemError } from '../problem.js';
import type { MissingPermission } from './missing-permission.js';

/** Built-in roles that permit it; custom ones are not named: the caller may not be meant to know them. */
export const rolesWith = (missing: Extent, kinds: readonly KindInfo[]): readonly string[] =>
  BUILT_IN_ROLES.filter((role) => {
    const scope = { mesh: missing.mesh, namespaces: [], labels: {}, from: role };
    return new Rights(grantsOf(builtInRules(role, kinds), kinds, scope)).covers(missing);
  });

/** Who can give it: never by name, since who holds which role is itself something to read. */
function remedy({ mesh }: Extent, roles: readonly string[]): string {
  const which = roles.length > 0 ? `${roles.join(', ')} include${roles.length > 1 ? '' : 's'} it; ` : '';
  if (mesh === SERVER) return `${which}an admin of the server can make a token that has it`;
  return `${which}an admin of mesh ${mesh} can give it by a RoleBinding`;
}

export const describeMissing = (missing: Extent, kinds: readonly KindInfo[]): MissingPermission => ({
  verb: missing.verb,
  ...(missing.kind === undefined ? {} : { kind: missing.kind }),
  ...(missing.mesh === SERVER ? {} : { mesh: missing.mesh }),
  ...(missing.namespace ? { namespace: missing.namespace } : {}),
  ...(missing.name === undefined ? {} : { name: missing.name }),
  roles: rolesWith(missing, kinds),
});

export const describeDenial = (missing: Extent, kinds: readonly KindInfo[], reason?: string): string =>
  `this needs ${printExtent(missing)}${reason === undefined ? '' : ` (${reason})`}: ${remedy(missing, rolesWith(missing, kinds))}`;

/** 403 that names what is missing and who can give it. */
export const forbidden = (missing: Extent, kinds: readonly KindInfo[], reason?: string): ProblemError =>
  new ProblemError(403, 'forbidden', describeDenial(missing, kinds, reason), {
    missing: describeMissing(missing, kinds),
  });

/** 403 for who may do none of this to anything here. */
export function forbiddenAtAll(
  verbs: readonly Verb[],
  mesh: string,
  kinds: readonly KindInfo[],
  purpose = '',
): ProblemError {
  const roles = BUILT_IN_ROLES.filter((role) => {
    const scope = { mesh, namespaces: [], labels: {}, from: role };
    const rights = new Rights(grantsOf(builtInRules(role, kinds), kinds, scope));
    return verbs.some((verb) => rights.touches({ verb, mesh }));
  });
  const [verb = 'get'] = verbs;
  const detail = `${purpose}this needs ${verbs.join(' or ')} of something in mesh ${mesh}: ${remedy({ verb, mesh }, roles)}`;
  return new ProblemError(403, 'forbidden', detail, { missing: { verb, mesh, roles } });
}

/**
 * 403 for a request about several resources: each that may not be written, with what that would need.
 * @param others how many there are beside, of which the caller is not told
 */
export function notPermitted(denials: readonly Denial[], kinds: readonly KindInfo[], others = 0): ProblemError {
  const [first] = denials;
  if (first === undefined) return new ProblemError(403, 'forbidden', 'this is not permitted');
  const beside = denials.length - 1 + others;
  const more = beside > 0 ? ` (and ${beside} more)` : '';
  const violations = denials.map(({ resource, missing, reason }) => {
    return { resource, path: '', code: 'forbidden', message: describeDenial(missing, kinds, reason) };
  });
  return new ProblemError(403, 'forbidden', describeDenial(first.missing, kinds, first.reason) + more, {
    missing: describeMissing(first.missing, kinds),
    ...(denials.length > 1 ? { violations } : {}),
  });
}

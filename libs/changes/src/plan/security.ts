import { valueHash } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import type { IntendedWrite } from '../types.js';

/** Kinds that decide who may do what, on the wire and in Heddle. */
const SECURITY_KINDS: ReadonlySet<string> = new Set([
  'AuthorizationPolicy',
  'PeerAuthentication',
  'RequestAuthentication',
  'ExternalAuthorization',
  'ReferenceGrant',
  'Role',
  'RoleBinding',
]);

/** Fields of a Mesh that do the same. */
const SECURITY_FIELDS = ['mtls', 'trustDomain'];

/**
 * Writes that prune and rollback must be told to make: taking a directory's or an older word for security by accident would
 * open what was closed meanwhile.
 * @param deletesOnly what a directory says is meant; what it no longer says may have been forgotten
 */
export const securityWrites = (intended: readonly IntendedWrite[], deletesOnly: boolean): readonly ResourceId[] =>
  intended
    .filter(({ op }) => op === 'delete' || (op !== 'unchanged' && !deletesOnly))
    .filter((write) => SECURITY_KINDS.has(write.kind) || changesMeshSecurity(write))
    .map(({ kind, namespace, name }) => ({ kind, namespace, name }));

const changesMeshSecurity = ({ kind, before, after }: IntendedWrite): boolean =>
  kind === 'Mesh' &&
  SECURITY_FIELDS.some((field) => valueHash(before?.spec[field] ?? null) !== valueHash(after?.spec[field] ?? null));

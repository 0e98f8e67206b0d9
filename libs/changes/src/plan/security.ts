import { needsIncludeSecurity, type Registry, type ResourceId } from '#libs/model';
import type { IntendedWrite } from '../types.js';

/**
 * Writes that prune and rollback must be told to make: taking a directory's or an older word for security by accident would
 * open what was closed meanwhile.
 * @param deletesOnly what a directory says is meant; what it no longer says may have been forgotten
 */
export const securityWrites = (
  intended: readonly IntendedWrite[],
  { kinds }: Pick<Registry, 'kinds'>,
  deletesOnly: boolean,
): readonly ResourceId[] =>
  intended
    .filter(({ op }) => op === 'delete' || (op !== 'unchanged' && !deletesOnly))
    .filter((write) => kinds.some((info) => info.kind === write.kind && needsIncludeSecurity(info)))
    .map(({ kind, namespace, name }) => ({ kind, namespace, name }));

import type { Denial, ProposedWrite, WriteContext } from '#libs/changes';
import type { Principal } from '../http.js';
import type { AccessControl } from './access-control.js';
import { asItWas } from './visible-changes.js';

/** What a plan that is not kept asks in place of `onBehalfOf`: who may read all of it may know what it would do. */
export const reading = (
  access: AccessControl,
  caller: Principal | undefined,
  mesh: string,
): Pick<WriteContext, 'authorize' | 'mayKnow'> => ({
  ...access.onBehalfOf(caller, mesh),
  authorize: (writes) => {
    const denials = writes.flatMap((write) => unreadable(access, caller, mesh, write));
    return Promise.resolve({ denials, decidedBy: [] });
  },
});

/** Refuses what the caller may not read as it is, or as it would be. */
function unreadable(
  access: AccessControl,
  caller: Principal | undefined,
  mesh: string,
  { id, before, after }: ProposedWrite,
): readonly Denial[] {
  const { kind, namespace, name } = id;
  const states = [before, after].filter((state) => state !== undefined);
  if (states.every((state) => access.may(caller, 'get', mesh, asItWas(id, state)))) return [];
  return [{ resource: id, missing: { verb: 'get', kind, mesh, namespace, name }, hidden: after === undefined }];
}

import type { ResourceId } from '#libs/model';
import type { AuditEntry } from '#libs/store';
import type { AccessControl, Seen } from '../access/access-control.js';
import type { Principal } from '../http.js';

/** An entry without what the caller may not read; its `hash` is of the whole one. */
export type VisibleAuditEntry = AuditEntry & {
  /** Further resources of the decision: "and 14 others". Absent = none. */
  readonly hidden?: number;
};

/** Which entries were asked for. */
interface Asked {
  readonly mesh: string;
  /** Entries are about this one: whoever may not read it finds none. */
  readonly resource?: ResourceId | undefined;
}

/**
 * A decision about a resource is for who may read the audit where the resource is, and the resource. Entries hold no
 * labels, only hashes of documents, so a right with a selector shows none. One about no resource is for who may read the
 * audit of the mesh as a whole.
 */
export function visibleAudit(
  access: AccessControl,
  caller: Principal | undefined,
  asked: Asked,
  entries: readonly AuditEntry[],
): VisibleAuditEntry[] {
  const may = (item: Seen): boolean => access.may(caller, 'get', asked.mesh, item);
  const audits = (namespace: string): boolean => may({ kind: 'Audit', namespace, name: '' });
  const shows = (item: ResourceId): boolean => audits(item.namespace) && may(item);
  if (asked.resource !== undefined && !shows(asked.resource)) return [];
  return entries.flatMap((entry) => {
    const { payload } = entry;
    const items = payload.items.filter(shows);
    const hidden = payload.items.length - items.length;
    if (items.length === 0 && !(hidden === 0 && audits(''))) return [];
    const reason = hidden === 0 && audits('') ? visibleReason(payload.reason, shows) : codeOf(payload.reason);
    const shown = { ...entry, payload: { ...payload, items, reason } };
    return [hidden === 0 ? shown : { ...shown, hidden }];
  });
}

/** A reason may name what stood in the way, such as who holds a host name. */
function visibleReason(reason: unknown, shows: (id: ResourceId) => boolean): unknown {
  if (typeof reason !== 'object' || reason === null) return reason;
  const { kind = 'Service', namespace = '', name }: Partial<ResourceId> = reason;
  return name === undefined || shows({ kind, namespace, name }) ? reason : codeOf(reason);
}

/** Why it was refused, in a word: for everybody who sees the entry. */
function codeOf(reason: unknown): unknown {
  if (typeof reason !== 'object' || reason === null || !('code' in reason)) return undefined;
  return { code: reason.code };
}

import type { AuditPayload } from './chain.js';

/** What searches filter entries by, beside the payload that it is taken from. */
export interface AuditColumns {
  readonly action: string;
  /** '' for what concerns no mesh. */
  readonly mesh: string;
  readonly actor: string;
  readonly subjects: readonly string[];
}

/** How a resource is named in `subjects`. */
export const subjectOf = (id: { readonly kind: string; readonly namespace: string; readonly name: string }): string =>
  `${id.kind} ${id.namespace}/${id.name}`;

// Postgres holds neither NUL nor half of a surrogate pair in a text.
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');

export const columnsOf = (payload: AuditPayload): AuditColumns => ({
  action: payload.action,
  mesh: storable(payload.mesh),
  actor: storable(payload.actor.name),
  subjects: payload.items.map((item) => storable(subjectOf(item))),
});

import type { Manifest } from '#libs/model';
import { described } from '../plan/intent.js';
import type { NetDifference } from '../plan/types.js';

/**
 * What a past change did to one resource, field by field.
 * @param sides manifests as history keeps them; null or undefined where there is none
 */
export function describedItem(sides: {
  readonly before: unknown;
  readonly after: unknown;
}): Pick<NetDifference, 'op' | 'fields' | 'manifest'> {
  const before = (sides.before ?? undefined) as Manifest | undefined;
  const after = (sides.after ?? undefined) as Manifest | undefined;
  return { op: opOf(before, after), ...described({ before, after }) };
}

const opOf = (before: unknown, after: unknown): NetDifference['op'] =>
  before === undefined ? 'create' : after === undefined ? 'delete' : 'update';

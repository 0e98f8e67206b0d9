import { canonicalJson, sortedUnique } from '#libs/kernel';
import { align } from './align.js';

/** What became of one field between two documents. */
export interface FieldChange {
  /** `spec.rules[0].backendRefs[orders:8080].weight`: list items by what identifies them, else by their place. */
  readonly path: string;
  /** `move`: a list has its items in another order; before and after hold what identifies them. */
  readonly op: 'add' | 'remove' | 'change' | 'move';
  /** Absent for `add`. */
  readonly before?: unknown;
  /** Absent for `remove`. */
  readonly after?: unknown;
}

/**
 * Compares two JSON values field by field: the order of members never counts, list items are compared with those that
 * they are the same as (by name, reference, address), and what is equal is left out. A field that came or went is one
 * change, whatever is in it.
 */
export function diffFields(before: unknown, after: unknown, path = ''): readonly FieldChange[] {
  if (before === undefined) return after === undefined ? [] : [{ path, op: 'add', after }];
  if (after === undefined) return [{ path, op: 'remove', before }];
  if (isObject(before) && isObject(after)) {
    return sortedUnique([...Object.keys(before), ...Object.keys(after)]).flatMap((key) =>
      diffFields(own(before, key), own(after, key), memberPath(path, key)),
    );
  }
  if (Array.isArray(before) && Array.isArray(after)) return diffLists(before, after, path);
  return canonicalJson(before) === canonicalJson(after) ? [] : [{ path, op: 'change', before, after }];
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Not what an object inherits: a label may be called `toString`. */
const own = (value: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(value, key) ? value[key] : undefined;

const PLAIN = /^[A-Za-z_@$][-\w@$]*$/;

/** What would be mistaken for a path is quoted. */
const memberPath = (path: string, key: string): string =>
  PLAIN.test(key) ? [path, key].filter((part) => part !== '').join('.') : `${path}[${JSON.stringify(key)}]`;

function diffLists(before: readonly unknown[], after: readonly unknown[], path: string): readonly FieldChange[] {
  const { pairs, moved } = align(before, after);
  const changes = pairs.flatMap(({ id, before: old, after: now }) => diffFields(old, now, `${path}[${id}]`));
  return moved ? [...changes, { path, op: 'move', before: moved.before, after: moved.after }] : changes;
}

import type { Violation } from '#libs/kernel';
import { violation } from './issues.js';

/** Deepest nesting of a document; the deepest field of any kind is at 9. */
const MAX_DEPTH = 32;
/** Most values (scalars, lists, objects) in one document. */
const MAX_VALUES = 100_000;

/** Keys that would reach into JavaScript's own objects (SEC-37). */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Checks that a document is plain JSON of bounded size before any schema sees it: no forbidden keys, no values that JSON
 * cannot hold, no bombs. Every violation is reported, except beyond the size limits.
 */
export function structureViolations(document: unknown): readonly Violation[] {
  const found: Violation[] = [];
  let values = 0;
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    values += 1;
    if (values > MAX_VALUES) return;
    if (path.length > MAX_DEPTH) found.push(violation(path, 'too-deep', `is nested deeper than ${MAX_DEPTH} levels`));
    else if (Array.isArray(value)) for (const [index, item] of value.entries()) visit(item, [...path, index]);
    else if (isPlainObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        if (FORBIDDEN.has(key))
          found.push(violation([...path, key], 'forbidden-key', 'is a key that no document may have'));
        else visit(member, [...path, key]);
      }
    } else if (!isScalar(value)) found.push(violation(path, 'invalid-type', 'is not a JSON value'));
  };
  visit(document, []);
  if (values > MAX_VALUES) found.push(violation([], 'too-large', `holds more than ${MAX_VALUES} values`));
  return found;
}

const isScalar = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value));

/** True for what JSON or YAML make of an object. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

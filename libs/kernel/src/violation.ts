/**
 * One thing that is wrong with a document: where, which rule, and what to do about it. REST, CLI and status print the
 * same violation, so it carries everything a person needs.
 */
export interface Violation {
  /** JSON pointer (RFC 6901) into the document, "" for the document itself. */
  readonly path: string;
  /** Stable, machine-readable rule name in kebab-case, for example `unknown-field`. */
  readonly code: string;
  /** One sentence for people: what is wrong and, where it is not obvious, how to mend it. */
  readonly message: string;
  /** `warning`: the document is accepted all the same. */
  readonly severity?: 'error' | 'warning';
}

export type PathSegment = string | number;

/** Builds an RFC 6901 JSON pointer; `~` and `/` inside a segment are escaped. */
export function pointer(...segments: readonly PathSegment[]): string {
  return segments.map((s) => `/${String(s).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Prefixes the paths of violations as they bubble up from a part to its whole. */
export function under(prefix: string, violations: readonly Violation[]): Violation[] {
  return violations.map((v) => ({ ...v, path: prefix + v.path }));
}

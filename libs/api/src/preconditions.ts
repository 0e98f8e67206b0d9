import type { HttpRequest } from './http.js';
import { ProblemError } from './problem.js';

/** The entity tag of a resource: its version, a strong one. */
export const etagOf = (version: number): string => `"${version}"`;

const preconditionFailed = (detail: string): ProblemError => new ProblemError(412, 'precondition-failed', detail);

/** Version that a write expects by `If-Match` or `If-None-Match`: 0 = must not exist, undefined = whatever it is. */
export function expectedVersion(request: HttpRequest): number | undefined {
  const match = request.headers['if-match'];
  const noneMatch = request.headers['if-none-match'];
  if (match !== undefined && noneMatch !== undefined) {
    throw new ProblemError(400, 'bad-precondition', 'send If-Match or If-None-Match, not both');
  }
  if (noneMatch !== undefined) {
    if (noneMatch === '*') return 0;
    throw new ProblemError(400, 'bad-precondition', 'a write takes "If-None-Match: *" only');
  }
  if (match === undefined) return undefined;
  const version = /^"(\d{1,15})"$/.exec(match)?.[1];
  if (version !== undefined && Number(version) > 0) return Number(version);
  if (match === '*') throw new ProblemError(400, 'bad-precondition', 'send If-Match with the ETag of one version');
  // Weak and foreign tags match nothing (RFC 9110, 13.1.1).
  throw preconditionFailed('If-Match names no version of this resource');
}

/** True when the reader already has this version. */
export const isCurrent = (request: HttpRequest, version: number): boolean => hasTag(request, etagOf(version));

/** True when the reader already has what this ETag stands for. */
export function hasTag(request: HttpRequest, wanted: string): boolean {
  const held = request.headers['if-none-match'];
  if (held === undefined) return false;
  return held === '*' || held.split(',').some((tag) => tag.trim().replace(/^W\//, '') === wanted);
}

export const versionConflict = (current: number): ProblemError =>
  new ProblemError(
    412,
    'version-conflict',
    current === 0
      ? 'the resource does not exist (any more)'
      : `the resource is at version ${current}: read it again, then write with its ETag`,
    current === 0 ? {} : { headers: { ETag: etagOf(current) } },
  );

const KEY = /^[\x21-\x7e]{1,200}$/;

/** The caller's key for "these two requests are one" (REL-39), kept apart from other callers' keys. */
export function idempotencyKey(request: HttpRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw new ProblemError(400, 'bad-idempotency-key', 'Idempotency-Key is 1 to 200 printable ASCII characters');
  }
  const { principal } = request;
  return `${principal?.type === 'api' ? principal.id : (principal?.claims.jti ?? '')}/${key}`;
}

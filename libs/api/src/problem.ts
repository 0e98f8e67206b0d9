import type { ResourceViolation } from '#libs/changes';
import type { Violation } from '#libs/kernel';
import type { MissingPermission } from './access/missing-permission.js';

/** A violation as an answer carries it: `resource` where the request is about several. */
export type ProblemViolation = Violation & Partial<Pick<ResourceViolation, 'resource' | 'document'>>;

/** RFC 9457 problem details. */
export interface Problem {
  /** `urn:heddle:problem:<code>` */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** One sentence: what is wrong and what to do. Never repeats the request's own text unescaped or unbounded. */
  readonly detail: string;
  readonly requestId?: string;
  readonly violations?: readonly ProblemViolation[];
  /** With 403: what the caller would have to hold. */
  readonly missing?: MissingPermission;
}

export interface ProblemOptions {
  readonly missing?: MissingPermission;
  readonly violations?: readonly ProblemViolation[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition failed',
  413: 'Content too large',
  415: 'Unsupported media type',
  421: 'Misdirected request',
  422: 'Unprocessable content',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Service unavailable',
};

/** Thrown by the HTTP layer for an answer that is a problem; the filter turns it into one. */
export class ProblemError extends Error {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = 'ProblemError';
    this.headers = options.headers ?? {};
    this.problem = {
      type: `urn:heddle:problem:${code}`,
      title: TITLES[status] ?? 'Error',
      status,
      detail,
      ...(options.violations === undefined ? {} : { violations: options.violations }),
      ...(options.missing === undefined ? {} : { missing: options.missing }),
    };
  }
}

/** 400 with every violation. */
export function invalid(violations: readonly ProblemViolation[], code = 'invalid'): ProblemError {
  const first = violations[0];
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  const detail = first === undefined ? 'the request is invalid' : `${first.path || '/'}: ${first.message}${more}`;
  return new ProblemError(400, code, detail, { violations });
}

export const notFound = (what: string): ProblemError => new ProblemError(404, 'not-found', what);

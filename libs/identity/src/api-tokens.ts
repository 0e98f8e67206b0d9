import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type Clock,
  err,
  type Log,
  type Metrics,
  ok,
  type Result,
  silentLog,
  silentMetrics,
  type Violation,
} from '#libs/kernel';
import type { ApiTokenRow, Tokens } from '#libs/store';

/** What people may do, weakest first: read; write and register; manage API tokens. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** True if the role includes everything that the other one permits. An unknown role includes nothing (SEC-30). */
export function roleIncludes(role: string, needed: Role): boolean {
  const ladder: readonly string[] = ROLES;
  return ladder.indexOf(role) >= ladder.indexOf(needed);
}

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 365;
const TOUCH_EVERY_MS = 60_000;
const FORM = /^hdl_([0-9a-f]{16})_([0-9a-f]{64})$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/;

/** An API token as others may see it: without anything that could be used. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Milliseconds since the epoch; `lastUsedAt` 0 = never, exact to a minute. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number;
  readonly revoked: boolean;
}

export interface CreatedApiToken extends ApiToken {
  /** `hdl_<id>_<secret>`. Shown once: only its hash is stored (SEC-44). */
  readonly token: string;
}

export interface ApiTokenRequest {
  readonly name: string;
  readonly role: string;
  /** Whole days from 1 to 365; default 30. There are no tokens without an end. */
  readonly ttlDays?: number | undefined;
}

export type ApiTokenRefusal = 'malformed' | 'unknown' | 'revoked' | 'expired';

export interface ApiTokensOptions {
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

/** Tokens of people and programs for the REST API. Every verification asks Postgres: a revoked one is dead at once (REL-55). */
export class ApiTokens {
  readonly #tokens: Tokens;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #touched = new Map<string, number>();

  constructor(options: ApiTokensOptions) {
    this.#tokens = options.tokens;
    this.#clock = options.clock;
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  /** Makes a token. Whether the caller may grant the role is for the caller's guard to decide. @throws StoreUnavailable */
  async create(request: ApiTokenRequest): Promise<Result<CreatedApiToken, Violation[]>> {
    const role = ROLES.find((known) => known === request.role);
    const days = request.ttlDays ?? DEFAULT_DAYS;
    const violations = violationsOf(request, days);
    if (role === undefined || violations.length > 0) return err(violations);
    const id = randomBytes(8).toString('hex');
    const secret = randomBytes(32).toString('hex');
    const createdAt = this.#clock.now();
    const shown = {
      id,
      name: request.name,
      role,
      createdAt,
      expiresAt: createdAt + days * DAY_MS,
      lastUsedAt: 0,
      revoked: false,
    };
    await this.#tokens.insert({ ...shown, secretHash: hash(secret).toString('hex') });
    return ok({ ...shown, token: `hdl_${id}_${secret}` });
  }

  /** Tell clients no more than that the token is not good; the reason is for logs and metrics. @throws StoreUnavailable */
  async verify(token: string): Promise<Result<ApiToken, ApiTokenRefusal>> {
    const judged = await this.#judge(token);
    if (judged.ok) this.#touch(judged.value);
    else this.#metrics.count('heddle_api_tokens_refused_total', { reason: judged.error });
    return judged;
  }

  /** @returns false when there is no such token. @throws StoreUnavailable: not revoked */
  revoke(id: string): Promise<boolean> {
    return this.#tokens.revoke(id);
  }

  /** All tokens, also ended and revoked ones, without secrets or hashes. */
  async list(): Promise<readonly ApiToken[]> {
    return (await this.#tokens.list()).flatMap((row) => visible(row) ?? []);
  }

  async #judge(token: string): Promise<Result<ApiToken, ApiTokenRefusal>> {
    const [, id = '', secret = ''] = FORM.exec(token) ?? [];
    if (id === '') return err('malformed');
    const row = await this.#tokens.find(id);
    // The comparison is made for an unknown id too, so that time does not tell which ids exist.
    const matches = timingSafeEqual(hash(secret), storedHash(row));
    const found = row && matches ? visible(row) : undefined;
    if (!found) return err('unknown');
    if (found.revoked) return err('revoked');
    return found.expiresAt <= this.#clock.now() ? err('expired') : ok(found);
  }

  /** Notes the use, at most once a minute and off the path of the request; a failure costs a time stamp. */
  #touch({ id, lastUsedAt }: ApiToken): void {
    const now = this.#clock.now();
    if (now - Math.max(lastUsedAt, this.#touched.get(id) ?? 0) < TOUCH_EVERY_MS) return;
    if (this.#touched.size > 10_000) this.#touched.clear();
    this.#touched.set(id, now);
    this.#tokens.touch(id, now).catch((error: unknown) => {
      this.#log.warn('the last use of an API token could not be noted', { token: id, error: String(error) });
    });
  }
}

function violationsOf({ name, role }: ApiTokenRequest, days: number): Violation[] {
  const violations: Violation[] = [];
  if (!NAME.test(name)) {
    violations.push({
      path: '/name',
      code: 'name',
      message: 'a token name has 1 to 63 letters, digits and . _ @ -, the first a letter or digit',
    });
  }
  if (!ROLES.some((known) => known === role)) {
    violations.push({ path: '/role', code: 'role', message: `a role is one of ${ROLES.join(', ')}` });
  }
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    violations.push({ path: '/ttlDays', code: 'range', message: `a token lives between 1 and ${MAX_DAYS} whole days` });
  }
  return violations;
}

const hash = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** 32 bytes whatever the row holds; random ones match nothing. */
function storedHash(row: ApiTokenRow | undefined): Buffer {
  const stored = Buffer.from(row?.secretHash ?? '', 'hex');
  return stored.length === 32 ? stored : randomBytes(32);
}

/** Without the hash; `undefined` for a row whose role this release does not know: it must not get in (SEC-30). */
function visible({ id, name, role, createdAt, expiresAt, lastUsedAt, revoked }: ApiTokenRow): ApiToken | undefined {
  const known = ROLES.find((candidate) => candidate === role);
  return known && { id, name, role: known, createdAt, expiresAt, lastUsedAt, revoked };
}

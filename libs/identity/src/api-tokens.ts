import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type Clock,
  err,
  isDnsLabel,
  type Log,
  type Metrics,
  ok,
  pointer,
  type Result,
  silentLog,
  silentMetrics,
  type Violation,
} from '#libs/kernel';
import { BUILT_IN_ROLES } from '#libs/model';
import type { Actor, ApiTokenRow, Tokens } from '#libs/store';

/** Roles that a token may have by itself, in every mesh that it is for. `none`: it has what RoleBindings give it. */
export const TOKEN_ROLES = ['none', ...BUILT_IN_ROLES] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 365;
const TOUCH_EVERY_MS = 60_000;
const FORM = /^hdl_([0-9a-f]{16})_([0-9a-f]{64})$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/;
const MAX_GROUPS = 32;
const MAX_MESHES = 64;

/** An API token as others may see it: without anything that could be used. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly role: TokenRole;
  /** What RoleBindings know it by, beside its name. */
  readonly groups: readonly string[];
  /** The only meshes in which it is worth anything; empty = every one, and the server itself. */
  readonly meshes: readonly string[];
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
  /** At most 32; default none. */
  readonly groups?: readonly string[] | undefined;
  /** At most 64; default every one. */
  readonly meshes?: readonly string[] | undefined;
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

/** Whoever has the database at hand, instead of a token. */
const LOCAL: Actor = { name: 'local', role: 'admin', ip: '', requestId: '' };

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

  /**
   * Makes a token. Whether the caller may grant the role is for the caller's guard to decide.
   * @param by for the audit
   * @throws StoreUnavailable
   */
  async create(request: ApiTokenRequest, by: Actor = LOCAL): Promise<Result<CreatedApiToken, Violation[]>> {
    const role = TOKEN_ROLES.find((known) => known === request.role);
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
      groups: request.groups ?? [],
      meshes: request.meshes ?? [],
      createdAt,
      expiresAt: createdAt + days * DAY_MS,
      lastUsedAt: 0,
      revoked: false,
    };
    await this.#tokens.insert({ ...shown, secretHash: hash(secret).toString('hex') }, by);
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
  revoke(id: string, by: Actor = LOCAL): Promise<boolean> {
    return this.#tokens.revoke(id, by);
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

function violationsOf({ name, role, groups = [], meshes = [] }: ApiTokenRequest, days: number): Violation[] {
  const violations: Violation[] = [];
  if (!NAME.test(name)) {
    violations.push({
      path: '/name',
      code: 'name',
      message: 'a token name has 1 to 63 letters, digits and . _ @ -, the first a letter or digit',
    });
  }
  if (!TOKEN_ROLES.some((known) => known === role)) {
    violations.push({ path: '/role', code: 'role', message: `a role is one of ${TOKEN_ROLES.join(', ')}` });
  }
  violations.push(
    ...listViolations('groups', groups, MAX_GROUPS, (group) => NAME.test(group)),
    ...listViolations('meshes', meshes, MAX_MESHES, isDnsLabel),
  );
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    violations.push({ path: '/ttlDays', code: 'range', message: `a token lives between 1 and ${MAX_DAYS} whole days` });
  }
  return violations;
}

function listViolations(
  field: string,
  names: readonly string[],
  most: number,
  isGood: (name: string) => boolean,
): Violation[] {
  if (names.length > most || new Set(names).size < names.length) {
    return [{ path: pointer(field), code: 'too-many', message: `${field}: at most ${most}, each once` }];
  }
  return names.flatMap((name, index) =>
    isGood(name) ? [] : [{ path: pointer(field, index), code: 'name', message: `this cannot be one of ${field}` }],
  );
}

const hash = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** 32 bytes whatever the row holds; random ones match nothing. */
function storedHash(row: ApiTokenRow | undefined): Buffer {
  const stored = Buffer.from(row?.secretHash ?? '', 'hex');
  return stored.length === 32 ? stored : randomBytes(32);
}

/** Without the hash; `undefined` for a row whose role this release does not know: it must not get in (SEC-30). */
function visible(row: ApiTokenRow): ApiToken | undefined {
  const { id, name, role, groups, meshes, createdAt, expiresAt, lastUsedAt, revoked } = row;
  const known = TOKEN_ROLES.find((candidate) => candidate === role);
  return known && { id, name, role: known, groups, meshes, createdAt, expiresAt, lastUsedAt, revoked };
}

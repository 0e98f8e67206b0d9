import { randomBytes } from 'node:crypto';
import { compactVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { err, ok, type Result, type Violation } from '#libs/kernel';
import type { SigningKeys } from './signing-keys.js';
import { parseScope, type TokenScope } from './token-scope.js';
import type { ProxyClaims } from './types.js';

export const DEFAULT_PROXY_TOKEN_MS = 7 * 86_400_000;
export const LONGEST_PROXY_TOKEN_MS = 90 * 86_400_000;
const SHORTEST_MS = 60_000;

const ALGORITHM = 'EdDSA';
const TYPE = 'heddle-proxy+jwt';
const ISSUER = 'heddle';
const AUDIENCE = 'heddle-proxy';
/** Longer than any token we make: 32 labels and 32 addresses. */
const MAX_LENGTH = 8192;
/** Tokens made on a replica whose clock is ahead of ours are taken, within this. */
const CLOCK_TOLERANCE_MS = 60_000;

/** The one header we write; anything more (`jwk`, `jku`, `x5u`, `crit` ...) is refused (SEC-22). */
const Header = z.strictObject({
  alg: z.literal(ALGORITHM),
  typ: z.literal(TYPE),
  kid: z.string().regex(/^[0-9a-f]{16}$/),
});
const seconds = z.int().min(0).max(99_999_999_999);
const Payload = z.strictObject({
  iss: z.literal(ISSUER),
  aud: z.literal(AUDIENCE),
  jti: z.string().min(1).max(64),
  iat: seconds,
  exp: seconds,
  mesh: z.string(),
  ns: z.string(),
  wl: z.string(),
  inst: z.string(),
  labels: z.record(z.string(), z.string()),
  addr: z.array(z.string()),
});

export interface TokenRequest extends TokenScope {
  /** Life in milliseconds: a minute to 90 days; default 7 days. */
  readonly ttlMs?: number;
}

export interface IssuedProxyToken {
  /** The JWT; shown once. */
  readonly token: string;
  readonly claims: ProxyClaims;
}

/** Why a proxy token is not good; one word, safe as a metric label. */
export type TokenRefusal = 'malformed' | 'bad-signature' | 'unknown-key' | 'expired' | 'not-yet-valid' | 'revoked';

/** Makes a token. @param now milliseconds since the epoch */
export async function issueProxyToken(
  keys: Pick<SigningKeys, 'signer'>,
  request: TokenRequest,
  now: number,
): Promise<Result<IssuedProxyToken, Violation[]>> {
  const scope = parseScope(request);
  const ttlMs = request.ttlMs ?? DEFAULT_PROXY_TOKEN_MS;
  const life: Violation[] =
    ttlMs >= SHORTEST_MS && ttlMs <= LONGEST_PROXY_TOKEN_MS
      ? []
      : [{ path: '/ttlMs', code: 'range', message: 'a proxy token lives between one minute and 90 days' }];
  if (!scope.ok) return err([...scope.error, ...life]);
  if (life.length > 0) return err(life);
  return ok(await sign(keys, { scope: scope.value, jti: newJti(), ttlMs }, now));
}

/**
 * Verifies a token offline: our key by its id, our algorithm, our form; every claim comes from the verified bytes
 * (SEC-22). Revocation is not looked at here.
 * @param now milliseconds since the epoch
 */
export async function verifyProxyToken(
  keys: Pick<SigningKeys, 'find'>,
  token: string,
  now: number,
): Promise<Result<ProxyClaims, TokenRefusal>> {
  if (token.length > MAX_LENGTH) return err('malformed');
  const header = Header.safeParse(parseJson(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url')));
  if (!header.success) return err('malformed');
  const key = keys.find(header.data.kid);
  if (!key || key.notAfter <= now) return err('unknown-key');
  const verified = await compactVerify(token, key.publicKey, { algorithms: [ALGORITHM] }).catch(() => undefined);
  if (!verified) return err('bad-signature');
  const payload = Payload.safeParse(parseJson(verified.payload));
  if (!payload.success) return err('malformed');
  const claims = claimsOf(payload.data);
  // Judged again on reading: what was signed by an older release must meet today's rules.
  if (!parseScope(claims).ok) return err('malformed');
  if (claims.expiresAt <= now) return err('expired');
  return claims.issuedAt > now + CLOCK_TOLERANCE_MS ? err('not-yet-valid') : ok(claims);
}

/** A token of the same scope and length of life with an id of its own. The old one stays good until it ends. */
export function reissueProxyToken(
  keys: Pick<SigningKeys, 'signer'>,
  claims: ProxyClaims,
  now: number,
): Promise<IssuedProxyToken> {
  const ttlMs = Math.min(claims.expiresAt - claims.issuedAt, LONGEST_PROXY_TOKEN_MS);
  return sign(keys, { scope: claims, jti: newJti(tokenFamily(claims.jti)), ttlMs }, now);
}

/**
 * `<family>.<own>`: all renewals of a token share its family. Denying any of them denies the family, since whoever
 * stole a token may have renewed it before the theft was noticed.
 */
const newJti = (family = randomBytes(12).toString('base64url')): string =>
  `${family}.${randomBytes(6).toString('base64url')}`;

/** What the ids of a token and of all its renewals have in common. */
export const tokenFamily = (jti: string): string => jti.split('.', 1)[0] ?? jti;

interface Signing {
  readonly scope: Required<TokenScope>;
  readonly jti: string;
  readonly ttlMs: number;
}

async function sign(
  keys: Pick<SigningKeys, 'signer'>,
  { scope, jti, ttlMs }: Signing,
  now: number,
): Promise<IssuedProxyToken> {
  const iat = Math.floor(now / 1000);
  const payload: z.infer<typeof Payload> = {
    iss: ISSUER,
    aud: AUDIENCE,
    jti,
    iat,
    exp: iat + Math.floor(ttlMs / 1000),
    mesh: scope.mesh,
    ns: scope.namespace,
    wl: scope.workload,
    inst: scope.instance,
    labels: { ...scope.labels },
    addr: [...scope.addresses],
  };
  const { id, privateKey } = keys.signer;
  const token = await new SignJWT(payload).setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: id }).sign(privateKey);
  return { token, claims: claimsOf(payload) };
}

const claimsOf = (payload: z.infer<typeof Payload>): ProxyClaims => ({
  mesh: payload.mesh,
  namespace: payload.ns,
  workload: payload.wl,
  instance: payload.inst,
  labels: payload.labels,
  addresses: payload.addr,
  jti: payload.jti,
  issuedAt: payload.iat * 1000,
  expiresAt: payload.exp * 1000,
});

/** The value, or `undefined` for what is not JSON in UTF-8. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** What REST needs of identity. `libs/identity` satisfies it; the app hands it in. */
import type { ProxyClaims, TokenRole } from '#libs/identity';
import type { Result, Violation } from '#libs/kernel';
import type { Actor } from '#libs/store';

export interface ApiPrincipal {
  /** Public part of the token; of a user the same for everything that the provider says the same of. */
  readonly id: string;
  /** What RoleBindings call it. User: somebody whom an identity provider has named. Absent = Token. */
  readonly subject?: 'User' | undefined;
  readonly name: string;
  readonly role: TokenRole;
  /** What RoleBindings know it by, beside its name. */
  readonly groups: readonly string[];
  /** The only meshes in which it is worth anything; empty = every one, and the server itself. */
  readonly meshes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface ApiTokenInfo extends ApiPrincipal {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** 0 = never. */
  readonly lastUsedAt: number;
  readonly revoked: boolean;
}

/** Why the one-time token was not taken: it is not good (any more), or the name of the new token is not. */
export type ExchangeRefusal =
  | { readonly code: 'not-good' }
  | { readonly code: 'invalid'; readonly violations: readonly Violation[] };

/** A token as it is shown once: only its hash is kept (SEC-44). */
export interface IssuedApiToken extends ApiPrincipal {
  readonly token: string;
}

export interface ApiTokenPort {
  /** Undefined for everything that is not a token in force. @throws StoreUnavailable */
  verifyApiToken(text: string): Promise<ApiPrincipal | undefined>;
  /** @param request.ttlDays 1 to 365 */
  issueApiToken(
    request: {
      readonly name: string;
      readonly role: TokenRole;
      readonly groups: readonly string[];
      readonly meshes: readonly string[];
      readonly ttlDays: number;
    },
    by: Actor,
  ): Promise<Result<IssuedApiToken, readonly Violation[]>>;
  listApiTokens(): Promise<readonly ApiTokenInfo[]>;
  /** False when there is none with this id. */
  revokeApiToken(id: string, by: Actor): Promise<boolean>;
  /** Trades the one-time admin token for a named one; not good when it is wrong, used or older than 1 h (SEC-46). */
  exchangeOneTimeToken(text: string, name: string, by: Actor): Promise<Result<IssuedApiToken, ExchangeRefusal>>;
}

export interface ProxyTokenRequest {
  readonly mesh: string;
  readonly namespace: string;
  readonly workload: string;
  /** One instance, or a name prefix followed by `*`. */
  readonly instance: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  /** 1 to 90. */
  readonly ttlDays: number;
}

export interface IssuedProxyToken {
  readonly token: string;
  readonly jti: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What an instance says of itself, to be compared with what its token grants. */
export interface ClaimedInstance {
  readonly mesh: string;
  readonly namespace: string;
  readonly workload: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly bindAddress: string;
  readonly advertised: string;
  readonly metrics?: { readonly address: string };
}

export interface ProxyTokenPort {
  /** Verifies signature, expiry and the deny-list; the error says which failed, for the log only. */
  verifyProxyToken(text: string): Promise<Result<ProxyClaims, string>>;
  issueProxyToken(request: ProxyTokenRequest): Promise<Result<IssuedProxyToken, readonly Violation[]>>;
  /** A new token with the claims of a valid one and a full lifetime. There is no renewal after expiry (SEC-28). */
  renewProxyToken(text: string): Promise<Result<IssuedProxyToken, string>>;
  /** Revokes the token and its renewals, whose streams end: on this replica at once, on others within 10 s (SEC-5). */
  revokeProxyToken(jti: string, by: { readonly actor: Actor; readonly mesh: string }): Promise<void>;
  /** Empty when the token grants all of it; else every excess, with paths into the instance's document (SEC-1, SEC-13). */
  excess(claims: ProxyClaims, instance: ClaimedInstance): readonly Violation[];
}

export type AuthPort = ApiTokenPort & ProxyTokenPort;

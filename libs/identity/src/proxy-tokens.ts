import { type Clock, err, type Metrics, ok, type Result, silentMetrics, type Violation } from '#libs/kernel';
import type { DenyList } from './deny-list.js';
import {
  type IssuedProxyToken,
  issueProxyToken,
  reissueProxyToken,
  type TokenRefusal,
  type TokenRequest,
  verifyProxyToken,
} from './proxy-token.js';
import type { SigningKeys } from './signing-keys.js';
import type { ProxyClaims } from './types.js';

export interface ProxyTokensOptions {
  readonly keys: SigningKeys;
  readonly denyList: DenyList;
  readonly clock: Clock;
  readonly metrics?: Metrics;
}

/** The life of proxy tokens: issue, verify, renew, revoke. Verifying needs neither Postgres nor the network. */
export class ProxyTokens {
  readonly #options: ProxyTokensOptions;
  readonly #metrics: Metrics;

  constructor(options: ProxyTokensOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  /** A new token for a scope that the caller has been authorised to grant. */
  async issue(request: TokenRequest): Promise<Result<IssuedProxyToken, Violation[]>> {
    const issued = await issueProxyToken(this.#options.keys, request, this.#options.clock.now());
    if (issued.ok) this.#metrics.count('heddle_proxy_tokens_issued_total', { why: 'new' });
    return issued;
  }

  /** The claims of a good token. Tell clients no more than that it is not good; the reason is for logs and metrics. */
  async verify(token: string): Promise<Result<ProxyClaims, TokenRefusal>> {
    const verified = await verifyProxyToken(this.#options.keys, token, this.#options.clock.now());
    const judged =
      verified.ok && this.#options.denyList.isDenied(verified.value.jti) ? err('revoked' as const) : verified;
    if (!judged.ok) this.#metrics.count('heddle_proxy_tokens_refused_total', { reason: judged.error });
    return judged;
  }

  /** A fresh token for the holder of a good one; never after its end and never for a revoked one (SEC-28). */
  async renew(token: string): Promise<Result<IssuedProxyToken, TokenRefusal>> {
    const verified = await this.verify(token);
    if (!verified.ok) return verified;
    const renewed = await reissueProxyToken(this.#options.keys, verified.value, this.#options.clock.now());
    this.#metrics.count('heddle_proxy_tokens_issued_total', { why: 'renewal' });
    return ok(renewed);
  }

  /** Revokes a token and all its renewals, whose streams are then cut. @throws StoreUnavailable: nothing was revoked */
  revoke(jti: string, reason: string, by?: Parameters<DenyList['deny']>[2]): Promise<void> {
    return this.#options.denyList.deny(jti, reason, by);
  }
}

import type { ProxyClaims } from '#libs/identity';
import type { Log, Metrics } from '#libs/kernel';
import type { TokenState } from '#libs/model';

/** Alarms come at a quarter and at a tenth of the token's life, well before the first refused stream. */
export function tokenState(claims: Pick<ProxyClaims, 'issuedAt' | 'expiresAt'>, now: number): TokenState {
  const left = (claims.expiresAt - now) / (claims.expiresAt - claims.issuedAt);
  if (left <= 0) return 'expired';
  if (left <= 0.1) return 'expires-very-soon';
  return left <= 0.25 ? 'expires-soon' : 'ok';
}

/** A connected proxy and the token of its newest stream. */
export interface HeldToken {
  readonly proxy: string;
  readonly claims: Pick<ProxyClaims, 'issuedAt' | 'expiresAt'>;
}

/** Raises an alarm for each proxy whose token nobody renews: a line of log at each step, and a gauge of how many. */
export class TokenAlarms {
  #told = new Map<string, TokenState>();

  constructor(
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  /** @param now milliseconds since the epoch */
  check(held: readonly HeldToken[], now: number): void {
    const states = new Map(held.map(({ proxy, claims }) => [proxy, tokenState(claims, now)]));
    for (const { proxy, claims } of held) {
      const state = states.get(proxy) ?? 'ok';
      if (state === 'ok' || state === this.#told.get(proxy)) continue;
      this.log.warn(`the token of a proxy ${state.replaceAll('-', ' ')} and was not renewed: run its renewal timer`, {
        proxy,
        expiresAt: new Date(claims.expiresAt).toISOString(),
      });
    }
    for (const state of ['expires-soon', 'expires-very-soon', 'expired'] as const) {
      const count = [...states.values()].filter((one) => one === state).length;
      this.metrics.gauge('heddle_proxy_tokens_expiring', count, { state });
    }
    this.#told = states;
  }
}

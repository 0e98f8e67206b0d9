import type { Clock } from '#libs/kernel';
import type { IssuedToken } from './control-plane-client.js';
import { errorText } from './run-command.js';

export interface TokenRenewalOptions {
  readonly clock: Clock;
  /** The token in use. */
  readonly token: string;
  /** Asks the control plane for the next one: `ControlPlaneClient.renewToken`. */
  readonly renew: () => Promise<IssuedToken>;
  /** Puts it where Envoy reads it: `writeToken`. */
  readonly store: (token: string) => Promise<void>;
  readonly onEvent?: (line: string) => void;
}

/** Longest sleep: a machine that was suspended notices soon, and no timer exceeds what the runtime can count. */
const CHECK_MS = 3_600_000;
const RETRY_FIRST_MS = 10_000;
const RETRY_LAST_MS = 600_000;

/**
 * Keeps a token fresh: renews at half of its life and, when that fails, again and again (10 s, doubling to 10 min)
 * until it succeeds or the token has expired. A token that cannot be read is left alone.
 */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #token: string;
  #failures = 0;
  #cancel: () => void = () => {};
  #stopped = false;

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
    this.#token = options.token;
  }

  /** The newest token. */
  get token(): string {
    return this.#token;
  }

  start(): void {
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(): void {
    const due = renewalTime(this.#token);
    if (this.#stopped || due === undefined) return;
    const { clock } = this.#options;
    const pause =
      this.#failures === 0 ? due - clock.now() : Math.min(RETRY_FIRST_MS * 2 ** (this.#failures - 1), RETRY_LAST_MS);
    this.#cancel = clock.after(Math.min(Math.max(pause, 0), CHECK_MS), () => {
      if (clock.now() < due) this.#schedule();
      else void this.#renew().then(() => this.#schedule());
    });
  }

  async #renew(): Promise<void> {
    const { renew, store, onEvent = () => {} } = this.#options;
    try {
      const { token, expiresAt } = await renew();
      await store(token);
      this.#token = token;
      this.#failures = 0;
      onEvent(`token renewed, valid until ${expiresAt}`);
    } catch (error) {
      this.#failures += 1;
      onEvent(`token not renewed (attempt ${this.#failures}): ${errorText(error)}`);
    }
  }
}

interface Claims {
  readonly iat?: number;
  readonly nbf?: number;
  readonly exp?: number;
}

/** The middle of a token's life in milliseconds since the epoch; `undefined` for a token without a readable life. */
export function renewalTime(token: string): number | undefined {
  let claims: Claims;
  try {
    claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Claims;
  } catch {
    return undefined;
  }
  const from = claims.iat ?? claims.nbf;
  if (typeof from !== 'number' || typeof claims.exp !== 'number') return undefined;
  return ((from + claims.exp) / 2) * 1000;
}

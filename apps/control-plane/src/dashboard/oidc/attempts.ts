import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Clock } from '#libs/kernel';
import { cookieIn, cookieOf } from '../session/cookie.js';
import { Seal } from '../session/seal.js';
import { UsedOnce } from '../session/used-once.js';

/** Somebody has so long to log in at the provider, milliseconds. */
export const ATTEMPT_MS = 10 * 60_000;

const NAME = 'heddle-login';

const attemptSchema = z.strictObject({
  id: z.string(),
  until: z.number(),
  /** Comes back from the provider. */
  state: z.string(),
  /** Comes back in the ID token. */
  nonce: z.string(),
  /** Of PKCE: known to who began. */
  verifier: z.string(),
  /** The page to go to, as `pageOf` gives it. */
  page: z.string(),
});

export type Attempt = z.output<typeof attemptSchema>;

/**
 * Logins that have begun and are not over: each is a sealed cookie of the browser that began, so that nobody ends what
 * another has begun, on whatever replica it comes back to.
 */
export class Attempts {
  readonly #seal: Seal;
  readonly #over: UsedOnce;

  constructor(
    kek: Uint8Array,
    private readonly clock: Clock,
  ) {
    this.#seal = new Seal(kek, 'oidc attempt');
    this.#over = new UsedOnce(clock);
  }

  /** @returns the value of `Set-Cookie` */
  begin(request: IncomingMessage, attempt: Omit<Attempt, 'id' | 'until'>): string {
    const sealed: Attempt = {
      ...attempt,
      id: randomBytes(16).toString('base64url'),
      until: this.clock.now() + ATTEMPT_MS,
    };
    const value = this.#seal.close(JSON.stringify(sealed));
    return cookieOf(request, { name: NAME, value, sameSite: 'Lax', maxAgeSeconds: ATTEMPT_MS / 1000 });
  }

  /**
   * Ends the attempt of this browser, once; undefined when there is none, or it is too old.
   * @param state what came back: that of another attempt ends none
   */
  take(request: IncomingMessage, state: unknown): Attempt | undefined {
    const value = cookieIn(request, NAME);
    const opened = value === undefined ? undefined : this.#seal.open(value);
    const attempt = opened === undefined ? undefined : attemptSchema.safeParse(JSON.parse(opened)).data;
    if (attempt === undefined || attempt.state !== state) return undefined;
    if (attempt.until <= this.clock.now() || this.#over.has(attempt.id)) return undefined;
    this.#over.add(attempt);
    return attempt;
  }

  /** @returns the value of `Set-Cookie` that takes it away */
  end(request: IncomingMessage): string {
    return cookieOf(request, { name: NAME, value: '', sameSite: 'Lax' });
  }
}

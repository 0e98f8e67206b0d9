import { type Clock, valueHash } from '#libs/kernel';
import type { HttpRequest } from './http.js';
import { idempotencyKey } from './preconditions.js';
import { ProblemError } from './problem.js';

/** Answers that hold a secret are remembered this long, and only in memory. */
const KEPT_MS = 10 * 60_000;
const REMEMBERED = 1_000;

/**
 * Makes a repeated POST the same as the first one, by its Idempotency-Key, for requests that are not changes of
 * configuration (those are remembered by the store, REL-39). Per replica and for 10 minutes: after that, a repeated
 * request makes a second token, which is harmless.
 */
export class ReplayCache {
  private readonly answers = new Map<string, { fingerprint: string; at: number; answer: Promise<unknown> }>();

  constructor(private readonly clock: Clock) {}

  async once(request: HttpRequest, act: () => Promise<unknown>): Promise<unknown> {
    const key = idempotencyKey(request);
    if (key === undefined) return act();
    this.forget();
    const fingerprint = valueHash([request.method, request.url, request.body]);
    const known = this.answers.get(key);
    if (known !== undefined && known.fingerprint !== fingerprint) {
      throw new ProblemError(422, 'idempotency-mismatch', 'this Idempotency-Key was used for another request');
    }
    if (known !== undefined) return known.answer;
    const answer = act();
    this.answers.set(key, { fingerprint, at: this.clock.monotonic(), answer });
    // A request that failed did nothing: the next one with its key tries again.
    return answer.catch((error: unknown) => {
      this.answers.delete(key);
      throw error;
    });
  }

  private forget(): void {
    const now = this.clock.monotonic();
    for (const [key, { at }] of this.answers) {
      if (now - at < KEPT_MS && this.answers.size < REMEMBERED) return;
      this.answers.delete(key);
    }
  }
}

import type { Clock, Metrics } from '#libs/kernel';
import { type Limits, limitHit } from '../limits.js';
import { Denied } from '../types.js';

interface Allowance {
  tokens: number;
  at: number;
}

/**
 * How many streams there may be and how fast they may come: per principal, so that one that flaps or floods keeps
 * nobody else out (SEC-8, REL-40, REL-41).
 */
export class Admission {
  #streams = 0;
  readonly #live = new Map<string, number>();
  readonly #allowances = new Map<string, Allowance>();

  constructor(
    private readonly limits: Limits,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Takes a place for a stream; the returned function gives it back, once.
   * @param service streams of different services do not add up: a client without ADS has one for each type
   * @throws Denied RESOURCE_EXHAUSTED
   */
  enter(principalId: string, service: string): () => void {
    const key = `${principalId}\n${service}`;
    const live = this.#live.get(key) ?? 0;
    if (this.#streams >= this.limits.maxStreams) throw this.#denied('maxStreams', 'too many streams');
    if (live >= this.limits.streamsPerPrincipal) {
      throw this.#denied('streamsPerPrincipal', `too many streams of ${principalId}`);
    }
    if (!this.#mayOpen(key)) throw this.#denied('openBurst', `${principalId} opens streams too fast`);
    this.#live.set(key, live + 1);
    this.#streams++;
    let inside = true;
    return () => {
      if (inside) this.#leave(key);
      inside = false;
    };
  }

  /** Forgets allowances that have grown back to their full size. */
  sweep(): void {
    const fullAfterMs = (this.limits.openBurst / this.limits.opensPerSecond) * 1000;
    const now = this.clock.monotonic();
    for (const [key, allowance] of this.#allowances) if (now - allowance.at > fullAfterMs) this.#allowances.delete(key);
  }

  #leave(key: string): void {
    this.#streams--;
    const left = (this.#live.get(key) ?? 1) - 1;
    if (left > 0) this.#live.set(key, left);
    else this.#live.delete(key);
  }

  /** A token bucket: a burst, then a steady rate. */
  #mayOpen(key: string): boolean {
    const { openBurst, opensPerSecond } = this.limits;
    const now = this.clock.monotonic();
    const before = this.#allowances.get(key) ?? { tokens: openBurst, at: now };
    const tokens = Math.min(openBurst, before.tokens + ((now - before.at) / 1000) * opensPerSecond);
    if (tokens < 1) return false;
    this.#allowances.set(key, { tokens: tokens - 1, at: now });
    return true;
  }

  #denied(limit: keyof Limits, message: string): Denied {
    limitHit(this.metrics, limit);
    return new Denied('RESOURCE_EXHAUSTED', message);
  }
}

import type { Clock, Metrics } from '#libs/kernel';
import { type Limits, limitHit } from '../limits.js';
import { Denied, type Principal } from '../types.js';

/** Does it the first time that it is called, and nothing later. */
export function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}

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
  enter({ id, shared = false }: Pick<Principal, 'id' | 'shared'>, service: string): () => void {
    if (this.#streams >= this.limits.maxStreams) throw this.#denied('maxStreams', 'too many streams');
    const leave = shared ? this.#take(id, service, 'streamsPerSharedPrincipal') : this.#enterAlone(id, service);
    this.#streams++;
    return once(() => {
      leave();
      this.#streams--;
    });
  }

  /** Takes the place of one node of a shared credential, beside the one taken by `enter`. @throws Denied RESOURCE_EXHAUSTED */
  enterNode(nodeId: string, service: string): () => void {
    return once(this.#enterAlone(nodeId, service));
  }

  #enterAlone(id: string, service: string): () => void {
    const leave = this.#take(id, service, 'streamsPerPrincipal');
    if (this.#mayOpen(`${id}\n${service}`)) return leave;
    leave();
    throw this.#denied('openBurst', `${id} opens streams too fast`);
  }

  #take(id: string, service: string, limit: 'streamsPerPrincipal' | 'streamsPerSharedPrincipal'): () => void {
    const key = `${id}\n${service}`;
    const live = this.#live.get(key) ?? 0;
    if (live >= this.limits[limit]) throw this.#denied(limit, `too many streams of ${id}`);
    this.#live.set(key, live + 1);
    return () => this.#leave(key);
  }

  /** Forgets allowances that have grown back to their full size. */
  sweep(): void {
    const fullAfterMs = (this.limits.openBurst / this.limits.opensPerSecond) * 1000;
    const now = this.clock.monotonic();
    for (const [key, allowance] of this.#allowances) if (now - allowance.at > fullAfterMs) this.#allowances.delete(key);
  }

  #leave(key: string): void {
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

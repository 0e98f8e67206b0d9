import type { Clock } from '#libs/kernel';
import { ProblemError } from './problem.js';

/** Failed logins that an address may have in a row. */
const BURST = 20;
/** Milliseconds in which it earns one more. */
const REFILL_MS = 3_000;
/** Addresses and good tokens that are remembered; the oldest go first. */
const REMEMBERED = 4_096;

/**
 * Slows down guessing: an address with too many failed logins gets 429 before its tokens are looked at (SEC-45).
 * A token that was good a moment ago is not held back by others behind the same address.
 */
export class FailureLimiter {
  private readonly buckets = new Map<string, { left: number; at: number }>();
  private readonly good = new Set<string>();

  /** @param onFailure told the address of every failed login, and of every one that was not looked at */
  constructor(
    private readonly clock: Clock,
    private readonly onFailure: (peer: string) => void = () => {},
  ) {}

  /** @throws ProblemError 429 with Retry-After */
  check(peer: string, fingerprint: string): void {
    const left = this.left(peer);
    if (left >= 1 || this.good.has(fingerprint)) return;
    this.onFailure(peer);
    const seconds = Math.ceil(((1 - left) * REFILL_MS) / 1000);
    throw new ProblemError(429, 'too-many-failed-logins', `too many failed logins; try again in ${seconds} s`, {
      headers: { 'Retry-After': String(seconds) },
    });
  }

  failed(peer: string, fingerprint: string): void {
    this.onFailure(peer);
    this.good.delete(fingerprint);
    const left = this.left(peer) - 1;
    this.buckets.delete(peer);
    this.buckets.set(peer, { left: Math.max(0, left), at: this.clock.monotonic() });
    trim(this.buckets);
  }

  succeeded(fingerprint: string): void {
    this.good.delete(fingerprint);
    this.good.add(fingerprint);
    trim(this.good);
  }

  private left(peer: string): number {
    const bucket = this.buckets.get(peer);
    if (bucket === undefined) return BURST;
    return Math.min(BURST, bucket.left + (this.clock.monotonic() - bucket.at) / REFILL_MS);
  }
}

function trim(collection: Map<string, unknown> | Set<string>): void {
  if (collection.size <= REMEMBERED) return;
  for (const oldest of collection.keys()) {
    collection.delete(oldest);
    return;
  }
}

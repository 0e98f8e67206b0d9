import type { Lease } from '../leases/lease.port.js';

/** A named group of failures, as the job that looks for them has left it. */
export interface StoredPattern {
  readonly mesh: string;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** When it was over; undefined while it goes on. Milliseconds since the epoch. */
  readonly overAt: number | undefined;
  /** Of a form that the store does not know. */
  readonly document: unknown;
}

/** How the job left off. */
export interface PatternState {
  /** End of the newest bucket that was looked at; 0 = none. Milliseconds since the epoch. */
  readonly at: number;
  readonly patterns: readonly StoredPattern[];
}

/** Patterns of failures: of one writer, read by everybody. */
export interface Patterns {
  /** What goes on, and what was over after `from`. The oldest first. @param from milliseconds since the epoch */
  list(mesh: string, from: number): Promise<readonly StoredPattern[]>;
  /** What the last job knew, so that the next one goes on with it. */
  state(mesh: string): Promise<PatternState>;
  /** What the job knows now. What it does not mention any more stays, as over. @throws LeaseLost, StoreUnavailable */
  save(lease: Lease, mesh: string, state: PatternState): Promise<void>;
}

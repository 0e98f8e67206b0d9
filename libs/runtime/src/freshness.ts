import type { Clock, Metrics } from '#libs/kernel';

/** How long a stream waits for the newest state before it is served the one that there is. Milliseconds. */
const PATIENCE_MS = 500;

export interface FreshnessOptions {
  /** Resolves when everything committed before the call is served here; rejects when Postgres cannot be asked. */
  readonly caughtUp: () => Promise<void>;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/**
 * GEN-17: a client that comes from another replica may have seen all that is committed by now, and older content would
 * delete what it runs. So this replica catches up before it says anything; many that come at once share one read. While
 * Postgres is away nothing new is committed either: then a client is served what there is, and that is counted.
 * @returns false if it is not known whether this replica is up to date
 */
export async function beFresh({ caughtUp, clock, metrics }: FreshnessOptions): Promise<boolean> {
  const fresh = await new Promise<boolean>((resolve) => {
    const cancel = clock.after(PATIENCE_MS, () => resolve(false));
    caughtUp()
      .then(
        () => resolve(true),
        () => resolve(false),
      )
      .finally(cancel);
  });
  if (!fresh) metrics.count('heddle_admitted_unchecked_total');
  return fresh;
}

import type { SignalSort } from './sorts.js';
import type { GoldenSignals } from './tally.js';

const VALUES: Readonly<Record<SignalSort, (signals: GoldenSignals) => number>> = {
  rate: ({ count }) => count,
  failures: ({ failures }) => failures,
  failureShare: ({ failureShare }) => failureShare,
  latency: ({ latency }) => latency?.p99 ?? 0,
  retries: ({ attemptsPerRequest = 0 }) => attemptsPerRequest,
  inFlight: ({ inFlight = 0 }) => inFlight,
};

/** The highest; of equals the one that is asked more, then by what they are, so that the same comes out each time. */
export function highest<T extends GoldenSignals>(
  items: readonly T[],
  sort: SignalSort,
  nameOf: (item: T) => string,
): T[] {
  const value = VALUES[sort];
  return items.toSorted((a, b) => value(b) - value(a) || b.count - a.count || (nameOf(a) < nameOf(b) ? -1 : 1));
}

import type { EdgeCounts, TimeBin } from './edge-report.js';
import { type Share, spread } from './spread.js';

/** Of a sidecar whose first report this is. */
const USUAL_MS = 5_000;
/** A sidecar that was silent for longer was not asked that much. */
const LONGEST_MS = 60_000;
const MOST = 20_000;

/** Since when the counts of a report are: the report before it. */
export class ReportIntervals {
  /** Receipt of the last report, by node; who has reported last is at the end. */
  readonly #last = new Map<string, number>();

  since(node: string, receivedAt: number): number {
    const before = this.#last.get(node);
    this.#last.delete(node);
    this.#last.set(node, receivedAt);
    const [oldest] = this.#last.keys();
    if (this.#last.size > MOST && oldest !== undefined) this.#last.delete(oldest);
    if (before === undefined || before >= receivedAt) return receivedAt - USUAL_MS;
    return Math.max(before, receivedAt - LONGEST_MS);
  }
}

/** Counts, shared out by time; their parts add up to them. */
export function splitCounts<T>(counts: EdgeCounts, shares: readonly Share<T>[]): { of: T; counts: EdgeCounts }[] {
  const [only] = shares;
  if (only && shares.length === 1) return [{ of: only.of, counts }];
  const byClass = counts.byClass.map((count) => parts(count, shares));
  const retries = parts(counts.retries, shares);
  const times = counts.times.map((bin) => parts(bin.count, shares));
  return shares.map(({ of }, i) => {
    const at = (column: readonly number[] | undefined): number => column?.[i] ?? 0;
    const binsOf = counts.times.map((bin, b): TimeBin => ({ ...bin, count: at(times[b]) }));
    return {
      of,
      counts: {
        byClass: [at(byClass[0]), at(byClass[1]), at(byClass[2]), at(byClass[3])],
        retries: at(retries),
        times: binsOf.filter(({ count }) => count > 0),
      },
    };
  });
}

function parts<T>(count: number, shares: readonly Share<T>[]): number[] {
  const spreadOut = new Map(
    spread(
      count,
      shares.map(({ weight }, i) => ({ of: i, weight })),
    ).map((part) => [part.of, part.count]),
  );
  return shares.map((_, i) => spreadOut.get(i) ?? 0);
}

import type { LatencySketch, Outcome } from '#libs/telemetry';

/** What was usual on one edge. */
export interface EdgeBaseline {
  readonly caller: string;
  readonly callee: string;
  readonly route: string;
  /** Requests, or attempts where they are more, in all of the time looked at. */
  readonly total: number;
  /** Per second, the median of the minutes. */
  readonly requestsPerSecond: number;
  readonly attemptsPerRequest: number;
  /** Of the total, the share that failed so; the median of a dozen stretches, so that a past outage is not taken as usual. */
  readonly failing: ReadonlyMap<Outcome, number>;
  /** Of the requests, the share whose callers were answered so; attempts that a retry made good are not among them. */
  readonly failingRequests: ReadonlyMap<Outcome, number>;
  /** How much more the failures of minutes vary than chance has it. 1 or more. */
  readonly dispersion: number;
  /** Of requests that succeeded. Milliseconds; NaN where nothing is known. */
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  /** Failures of each minute from `Baseline.from` on, for periods that are longer than the window; absent where none failed. */
  readonly failedByMinute?: Float32Array;
}

export interface Baseline {
  readonly from: number;
  readonly bucketMs: number;
  readonly buckets: number;
  readonly edges: readonly EdgeBaseline[];
}

export interface BaselineSpan {
  /** Start of the oldest bucket. Milliseconds since the epoch. */
  readonly from: number;
  /** Of the cells, 60,000 as stored. */
  readonly bucketMs: number;
  readonly buckets: number;
}

export const emptyBaseline: Baseline = { from: 0, bucketMs: 60_000, buckets: 0, edges: [] };

/** Stretches whose median is taken as usual: half of the time may have been an outage. */
const STRETCHES = 12;
/** A busy edge that was noisy all the time must not hide everything. */
const MOST_DISPERSION = 4;

/** Of each bucket, the oldest first. Requests and attempts have cells of their own where their statuses differ: the more of both are what failed. */
export interface Counts {
  readonly requests: Float32Array;
  readonly attempts: Float32Array;
}

/** What one edge had in the time that is taken as usual. */
export interface EdgeCounts extends Counts {
  readonly caller: string;
  readonly callee: string;
  readonly route: string;
  readonly failed: ReadonlyMap<Outcome, Counts>;
  /** Of requests that succeeded. */
  readonly latencies: LatencySketch;
}

/** What is usual where there was this. */
export function edgeBaseline(edge: EdgeCounts, span: BaselineSpan): EdgeBaseline {
  const total = larger(edge.requests, edge.attempts);
  const byOutcome = [...edge.failed].map(([outcome, one]) => [outcome, larger(one.requests, one.attempts)] as const);
  const [requests, attempts] = [sum(edge.requests), sum(edge.attempts)];
  const failedByMinute = new Float32Array(span.buckets);
  for (const [, series] of byOutcome) for (const [i, failed] of series.entries()) add(failedByMinute, i, failed);
  return {
    caller: edge.caller,
    callee: edge.callee,
    route: edge.route,
    total: sum(total),
    requestsPerSecond: median([...edge.requests]) / (span.bucketMs / 1_000),
    attemptsPerRequest: requests > 0 && attempts > 0 ? attempts / requests : 1,
    failing: new Map(byOutcome.map(([outcome, failed]) => [outcome, usualShare(failed, total)])),
    failingRequests: new Map(
      [...edge.failed].map(([outcome, failed]) => [outcome, usualShare(failed.requests, edge.requests)]),
    ),
    dispersion: dispersion(failedByMinute, total),
    p50Ms: edge.latencies.quantile(0.5),
    p90Ms: edge.latencies.quantile(0.9),
    p99Ms: edge.latencies.quantile(0.99),
    ...(byOutcome.length > 0 ? { failedByMinute } : {}),
  };
}

/** Fewer failures than this and the median of a dozen stretches is a matter of chance: the mean is better. */
const ENOUGH = 60;

function usualShare(failed: Float32Array, total: Float32Array): number {
  if (sum(failed) < ENOUGH) return sum(total) > 0 ? sum(failed) / sum(total) : 0;
  const length = Math.max(1, Math.ceil(total.length / STRETCHES));
  const shares: number[] = [];
  for (let from = 0; from < total.length; from += length) {
    const all = sum(total.subarray(from, from + length));
    if (all > 0) shares.push(sum(failed.subarray(from, from + length)) / all);
  }
  return median(shares);
}

/** Pearson's statistic by its degrees of freedom (McCullagh and Nelder, Generalized Linear Models, 4.5), without the worst tenth. */
function dispersion(failed: Float32Array, total: Float32Array): number {
  const share = usualShare(failed, total);
  if (share <= 0) return 1;
  const terms = [...total].flatMap((all, i) =>
    all > 0 ? [((failed[i] ?? 0) - share * all) ** 2 / (share * all)] : [],
  );
  terms.sort((a, b) => a - b);
  const kept = terms.slice(0, Math.ceil(terms.length * 0.9));
  return Math.min(MOST_DISPERSION, Math.max(1, sum(kept) / Math.max(1, kept.length)));
}

const larger = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => Math.max(value, b[i] ?? 0));

const add = (series: Float32Array, i: number, value: number): void => {
  series[i] = (series[i] ?? 0) + value;
};

function sum(values: Iterable<number>): number {
  let all = 0;
  for (const value of values) all += value;
  return all;
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  if (values.length === 0) return 0;
  return values.length % 2 === 1 ? (values[middle] ?? 0) : ((values[middle - 1] ?? 0) + (values[middle] ?? 0)) / 2;
}

/** The value of a key, made when it is not there. */
export function at<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

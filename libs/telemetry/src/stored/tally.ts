import { isFailure, OUTCOMES, type Outcome } from '../model/index.js';
import { LatencyBins } from './latency-bins.js';
import type { PageCell } from './page.js';

/** Golden signals of something in some time. */
export interface GoldenSignals {
  /** Requests a second; attempts where only those are known: of instances and zones. */
  readonly rate: number;
  readonly count: number;
  readonly failures: number;
  /** 0 to 1, of all; who did not wait for the answer counts as no failure. */
  readonly failureShare: number;
  /** By what became of them, the most frequent first. */
  readonly outcomes: readonly { readonly outcome: Outcome; readonly count: number }[];
  /** Attempts for each request: 1 = nothing was retried. Absent where requests are not known. */
  readonly attemptsPerRequest?: number;
  /** Milliseconds from the first byte to the last of the answer, of all, failed ones too; absent = nothing ended. */
  readonly latency?: { readonly p50: number; readonly p90: number; readonly p99: number };
  /**
   * Saturation: how many were open at once, on average: rate times mean latency (Little, "A Proof for the Queuing Formula
   * L = λW", 1961). What grows while the rate does not is waiting. Absent = nothing ended.
   */
  readonly inFlight?: number;
}

const SHARES = [0.5, 0.9, 0.99];

/** Adds up cells. */
export class Tally {
  #attempts = 0;
  #requests = 0;
  readonly #outcomes = new Map<Outcome, number>();
  readonly latencies: LatencyBins;

  /** @param counts what is counted, and told apart by outcome */
  constructor(
    private readonly counts: 'requests' | 'attempts',
    width: number,
  ) {
    this.latencies = new LatencyBins(width, 'all');
  }

  get count(): number {
    return this.counts === 'requests' ? this.#requests : this.#attempts;
  }

  get failures(): number {
    return [...this.#outcomes].reduce((sum, [outcome, count]) => sum + (isFailure(outcome) ? count : 0), 0);
  }

  /** @returns where the cell's latencies go */
  add({ outcome, requests, attempts }: PageCell): LatencyBins {
    this.#requests += requests;
    this.#attempts += attempts;
    const count = this.counts === 'requests' ? requests : attempts;
    if (count > 0) this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + count);
    return this.latencies;
  }

  merge(other: Tally): void {
    this.#requests += other.#requests;
    this.#attempts += other.#attempts;
    for (const [outcome, count] of other.#outcomes)
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + count);
    this.latencies.merge(other.latencies);
  }

  /** @param seconds that it was counted in; 0 = none: no rate */
  signals(seconds: number): GoldenSignals {
    const { count, failures } = this;
    const [p50, p90, p99] = this.latencies.quantiles(SHARES);
    const mean = this.latencies.mean();
    const rate = seconds > 0 ? count / seconds : 0;
    const isKnown = p50 !== undefined && p90 !== undefined && p99 !== undefined;
    return {
      rate,
      count,
      failures,
      failureShare: count > 0 ? failures / count : 0,
      outcomes: this.#sorted(),
      ...(this.counts === 'requests' && count > 0 ? { attemptsPerRequest: this.#attempts / count } : {}),
      ...(isKnown ? { latency: { p50, p90, p99 } } : {}),
      ...(mean !== undefined && seconds > 0 ? { inFlight: (rate * mean) / 1000 } : {}),
    };
  }

  #sorted(): GoldenSignals['outcomes'] {
    const order = (outcome: Outcome): number => OUTCOMES.indexOf(outcome);
    return [...this.#outcomes]
      .map(([outcome, count]) => ({ outcome, count }))
      .sort((a, b) => b.count - a.count || order(a.outcome) - order(b.outcome));
  }
}

/** The failure that is most frequent; undefined when nothing failed. */
export const dominantFailure = ({ outcomes }: Pick<GoldenSignals, 'outcomes'>): Outcome | undefined =>
  outcomes.find(({ outcome }) => isFailure(outcome))?.outcome;

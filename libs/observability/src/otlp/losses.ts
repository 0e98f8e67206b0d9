import type { Log, Metrics } from '#libs/kernel';
import type { Signal } from './settings.js';

export interface Outcome {
  /** 0 = it was taken. */
  readonly code: number;
  readonly error?: Error;
}

/**
 * What was not delivered: counted, and said once until it is better. Of one signal.
 */
export class Losses {
  #isBad = false;

  constructor(
    readonly signal: Signal,
    private readonly metrics: Metrics,
    private readonly log: () => Log | undefined,
  ) {}

  /** Nobody takes it fast enough, and what may wait is bounded. */
  full(items: number): void {
    this.metrics.count('heddle_otlp_dropped_total', { signal: this.signal, reason: 'queue-full' }, items);
  }

  /** An export of so many spans, points or records is over. */
  over(items: number, { code, error }: Outcome): void {
    if (code === 0) {
      this.metrics.count('heddle_otlp_exported_total', { signal: this.signal }, items);
      if (this.#isBad) this.log()?.info('telemetry is exported again', { signal: this.signal });
      this.#isBad = false;
      return;
    }
    this.metrics.count('heddle_otlp_dropped_total', { signal: this.signal, reason: 'not-delivered' }, items);
    if (!this.#isBad)
      this.log()?.warn('telemetry could not be exported and is lost', { signal: this.signal, reason: reasonOf(error) });
    this.#isBad = true;
  }
}

const LONGEST = 200;

/** A collector's answer is cut: it is not ours. */
const reasonOf = (error: Error | undefined): string => (error?.message || 'unknown').slice(0, LONGEST);

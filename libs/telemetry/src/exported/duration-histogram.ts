import type { ExportedHistogram } from '#libs/kernel';
import { LatencySketch } from '../model/index.js';

/**
 * Upper bounds in seconds: those of OpenTelemetry's conventions for HTTP durations
 * (https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserverrequestduration), and 1 ms, since a sidecar
 * is near.
 */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const PARTS = 16;

/** Sketches of latencies summed up in fixed buckets. A duration within 2 % of a bound may be on its other side. */
export class DurationHistogram {
  /** Sixteenths: a request of a sample stands for several, and for parts of one. */
  readonly #sixteenths = BOUNDARIES.map(() => 0).concat(0);
  #seconds = 0;

  add(latencies: LatencySketch): void {
    const { zeros, bins } = latencies.bins();
    this.#sixteenths[0] = (this.#sixteenths[0] ?? 0) + zeros;
    for (const [key, sixteenths] of bins) {
      const seconds = LatencySketch.valueOf(key) / 1000;
      const index = BOUNDARIES.findIndex((bound) => seconds <= bound);
      const bucket = index < 0 ? BOUNDARIES.length : index;
      this.#sixteenths[bucket] = (this.#sixteenths[bucket] ?? 0) + sixteenths;
      this.#seconds += (seconds * sixteenths) / PARTS;
    }
  }

  /** Whole requests: no bucket ever shrinks. */
  value(): ExportedHistogram {
    const counts = this.#sixteenths.map((sixteenths) => Math.floor(sixteenths / PARTS));
    return { bounds: BOUNDARIES, counts, sum: this.#seconds };
  }
}

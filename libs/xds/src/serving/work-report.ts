import type { Metrics } from '#libs/kernel';
import type { WireCounters } from './stream-services.js';

/** Totals since the server was made. */
export interface XdsCounters extends Readonly<WireCounters> {
  /** Encodings of resources: one for each content that some stream needed, whatever the number of streams. */
  readonly encodes: number;
  /** Response bodies found in the cache, and built. */
  readonly frameHits: number;
  readonly frameMisses: number;
}

/** Adds to the metrics what was done since the last time: by the encoding itself it would be a call per resource. */
export class WorkReport {
  #reported = { encodes: 0, frameHits: 0, frameMisses: 0 };

  report({ encodes, frameHits, frameMisses }: XdsCounters, metrics: Metrics): void {
    metrics.count('xds_encodes_total', {}, encodes - this.#reported.encodes);
    metrics.count('xds_frames_total', { cached: 'yes' }, frameHits - this.#reported.frameHits);
    metrics.count('xds_frames_total', { cached: 'no' }, frameMisses - this.#reported.frameMisses);
    this.#reported = { encodes, frameHits, frameMisses };
  }
}

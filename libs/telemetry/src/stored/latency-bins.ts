import { LatencySketch } from '../model/index.js';

/** Keys of a sketch lie between these, for what lasts between a hundredth of a millisecond and an hour. */
const LOWEST_KEY = -200;
const KEYS = 700;
/** Requests are counted in sixteenths, the steps of the sample: whole numbers, whose sum is exact in any order. */
export const PARTS = 16;

/**
 * The latencies of very many sketches, summed up: a table of counts. With a `width` above 1 so many neighbouring keys of a
 * sketch are one bin, which takes fewer bytes and says less: 2 % become 8 % with 4.
 */
export class LatencyBins {
  readonly counts: Float64Array;
  zeros = 0;

  constructor(readonly width: number) {
    this.counts = new Float64Array(Math.ceil(KEYS / width));
  }

  /** Takes the keys that are known here; what lies beyond is of no latency that was ever measured. */
  add(bin: number, sixteenths: number): void {
    if (bin < this.counts.length) this.counts[bin] = (this.counts[bin] ?? 0) + sixteenths;
  }

  addSketch(sketch: LatencySketch): void {
    const { zeros, bins } = sketch.bins();
    this.zeros += zeros;
    for (const [key, sixteenths] of bins) {
      const bin = Math.floor((key - LOWEST_KEY) / this.width);
      this.add(Math.min(Math.max(bin, 0), this.counts.length - 1), sixteenths);
    }
  }

  /** Those that hold something, the shortest first. */
  *filled(): Generator<readonly [bin: number, sixteenths: number]> {
    for (const [bin, count] of this.counts.entries()) if (count > 0) yield [bin, count];
  }

  /** @param share 0 to 1. @returns milliseconds; undefined of none */
  quantile(share: number): number | undefined {
    const [value] = this.quantiles([share]);
    return value;
  }

  /** The same of several, which rise, in one go. */
  quantiles(shares: readonly number[]): readonly (number | undefined)[] {
    const total = this.counts.reduce((sum, count) => sum + count, this.zeros) / PARTS;
    if (total === 0) return shares.map(() => undefined);
    let seen = this.zeros / PARTS;
    let bin = -1;
    return shares.map((share) => {
      const rank = share * (total - 1);
      while (seen <= rank && bin < this.counts.length - 1) {
        bin += 1;
        seen += (this.counts[bin] ?? 0) / PARTS;
      }
      return bin < 0 ? 0 : LatencySketch.valueOf(LOWEST_KEY + bin * this.width + (this.width - 1) / 2);
    });
  }
}

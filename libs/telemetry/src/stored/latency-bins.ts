import { LatencySketch } from '../model/index.js';

/** Keys of a sketch lie between these, for what lasts between a hundredth of a millisecond and an hour. */
const LOWEST_KEY = -200;
const KEYS = 700;
/** Requests are counted in sixteenths, the steps of the sample: whole numbers, whose sum is exact in any order. */
export const PARTS = 16;
/** Room is made for so many bins more than are needed. */
const MARGIN = 16;
const NOTHING = new Float64Array(0);

/**
 * The latencies of very many sketches, summed up: a table of counts, as long as what is in it. With a `width` above 1 so
 * many neighbouring keys of a sketch are one bin, which takes fewer bytes and says less: 2 % become 8 % with 4.
 */
export class LatencyBins {
  zeros = 0;
  readonly #length: number;
  /** Of the bins from `#first` on. */
  #counts = NOTHING;
  #first = 0;

  /** @param room `all`: made at once, for whatever is added up of very many; `needed`: for very many that hold little */
  constructor(
    readonly width: number,
    room: 'needed' | 'all' = 'needed',
  ) {
    this.#length = Math.ceil(KEYS / width);
    if (room === 'all') this.#counts = new Float64Array(this.#length);
  }

  /** How many there are, in sixteenths. */
  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, this.zeros);
  }

  /** Takes the bins that are known here; what lies beyond is of no latency that was ever measured. */
  add(bin: number, sixteenths: number): void {
    let at = bin - this.#first;
    if (at < 0 || at >= this.#counts.length) {
      if (!(bin >= 0 && bin < this.#length)) return;
      this.#makeRoom(bin);
      at = bin - this.#first;
    }
    this.#counts[at] = (this.#counts[at] ?? 0) + sixteenths;
  }

  addSketch(sketch: LatencySketch): void {
    const { zeros, bins } = sketch.bins();
    this.zeros += zeros;
    for (const [key, sixteenths] of bins) {
      const bin = Math.floor((key - LOWEST_KEY) / this.width);
      this.add(Math.min(Math.max(bin, 0), this.#length - 1), sixteenths);
    }
  }

  merge(other: LatencyBins): void {
    if (other.width !== this.width) throw new RangeError('these bins are of another width');
    this.zeros += other.zeros;
    other.each((bin, count) => this.add(bin, count));
  }

  /** Calls back with those that hold something, the shortest first. */
  each(visit: (bin: number, sixteenths: number) => void): void {
    for (let at = 0; at < this.#counts.length; at += 1) {
      const count = this.#counts[at] ?? 0;
      if (count > 0) visit(this.#first + at, count);
    }
  }

  /** For whoever goes on with single ones: each is in the middle of its bin. */
  toSketch(): LatencySketch {
    const bins: [key: number, sixteenths: number][] = [];
    const middle = LOWEST_KEY + Math.floor((this.width - 1) / 2);
    this.each((bin, sixteenths) => void bins.push([middle + bin * this.width, sixteenths]));
    return LatencySketch.of({ zeros: this.zeros, bins });
  }

  /** @param share 0 to 1. @returns milliseconds; undefined of none */
  quantile(share: number): number | undefined {
    const [value] = this.quantiles([share]);
    return value;
  }

  /** The same of several, which rise, in one go. */
  quantiles(shares: readonly number[]): readonly (number | undefined)[] {
    const total = this.total / PARTS;
    if (total === 0) return shares.map(() => undefined);
    let seen = this.zeros / PARTS;
    let at = -1;
    return shares.map((share) => {
      // Less than one request has its shortest at least.
      const rank = Math.max(0, share * (total - 1));
      while (seen <= rank && at < this.#counts.length - 1) {
        at += 1;
        seen += (this.#counts[at] ?? 0) / PARTS;
      }
      return at < 0 ? 0 : this.#valueOf(this.#first + at);
    });
  }

  /** Milliseconds; undefined of none. As exact as a bin is wide. */
  mean(): number | undefined {
    let [spent, count] = [0, this.zeros];
    this.each((bin, sixteenths) => {
      spent += this.#valueOf(bin) * sixteenths;
      count += sixteenths;
    });
    return count === 0 ? undefined : spent / count;
  }

  #valueOf(bin: number): number {
    return LatencySketch.valueOf(LOWEST_KEY + bin * this.width + (this.width - 1) / 2);
  }

  #makeRoom(bin: number): void {
    const isEmpty = this.#counts.length === 0;
    const first = Math.max(0, Math.min(bin - MARGIN, isEmpty ? bin : this.#first));
    const end = Math.min(this.#length, Math.max(bin + MARGIN, isEmpty ? bin : this.#first + this.#counts.length));
    const larger = new Float64Array(end - first);
    larger.set(this.#counts, isEmpty ? 0 : this.#first - first);
    this.#counts = larger;
    this.#first = first;
  }
}

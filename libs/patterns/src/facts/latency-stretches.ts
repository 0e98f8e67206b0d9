import { LatencySketch } from '#libs/telemetry';

/** A sketch cannot be taken out of a sum again, so what gets old goes by stretches: a sixth of the time at once. */
export const LATENCY_STRETCHES = 6;
/** Keys of sketches that room is made for beyond those that are needed, on either side: so it is seldom made again. */
const MARGIN = 8;
const BYTES = Float32Array.BYTES_PER_ELEMENT;

/**
 * How long requests took, in some stretches of time: how often each key of a sketch came, in sixteenths, all in one array.
 * Exact up to 2^24 of a key in a stretch, beyond to a ten-millionth. 17 KB at most, for a sketch has some 700 keys.
 */
export class LatencyStretches {
  /** A row for each stretch: how often no time at all, then of each key from `#first` on. */
  #counts = new Float32Array(LATENCY_STRETCHES);
  #first = 0;
  #keys = 0;

  get bytes(): number {
    return this.#counts.length * BYTES;
  }

  /** @param stretch 0 to `LATENCY_STRETCHES` - 1 */
  add(stretch: number, sketch: LatencySketch): void {
    const { zeros, bins } = sketch.bins();
    this.#makeRoom(bins.map(([key]) => key));
    const row = stretch * (1 + this.#keys);
    this.#count(row, zeros);
    for (const [key, sixteenths] of bins) this.#count(row + 1 + key - this.#first, sixteenths);
  }

  clear(stretch: number): void {
    const row = stretch * (1 + this.#keys);
    this.#counts.fill(0, row, row + 1 + this.#keys);
  }

  /** All of them, as one. */
  sum(): LatencySketch {
    const width = 1 + this.#keys;
    const of = (column: number): number => {
      let all = 0;
      for (let at = column; at < this.#counts.length; at += width) all += this.#counts[at] ?? 0;
      return all;
    };
    const bins: [key: number, sixteenths: number][] = [];
    for (let column = 1; column < width; column += 1) {
      const sixteenths = of(column);
      if (sixteenths > 0) bins.push([this.#first + column - 1, sixteenths]);
    }
    return LatencySketch.of({ zeros: of(0), bins });
  }

  #count(at: number, sixteenths: number): void {
    this.#counts[at] = (this.#counts[at] ?? 0) + sixteenths;
  }

  #makeRoom(keys: readonly number[]): void {
    if (keys.length === 0) return;
    const [lowest, highest] = [Math.min(...keys), Math.max(...keys)];
    const [first, end] = [this.#first, this.#first + this.#keys];
    if (this.#keys > 0 && lowest >= first && highest < end) return;
    const isNew = this.#keys === 0;
    const from = isNew || lowest < first ? lowest - MARGIN : first;
    const to = isNew || highest >= end ? highest + 1 + MARGIN : end;
    const [before, after] = [1 + this.#keys, 1 + to - from];
    const larger = new Float32Array(LATENCY_STRETCHES * after);
    for (let stretch = 0; stretch < LATENCY_STRETCHES; stretch += 1) {
      const row = this.#counts.subarray(stretch * before, (stretch + 1) * before);
      larger[stretch * after] = row[0] ?? 0;
      if (!isNew) larger.set(row.subarray(1), stretch * after + 1 + first - from);
    }
    this.#counts = larger;
    this.#first = from;
    this.#keys = to - from;
  }
}

import type { LatencyBins } from './latency-bins.js';

const SOON = 'a page that ends too soon';

/** Reads what `PageWriter` wrote. Pages are read by the ten thousand, so nothing is made on the way that is not needed. */
export class PageReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get at(): number {
    return this.#at;
  }

  /** @throws RangeError at the end, and of what is larger than 2^53 - 1 */
  number(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError(SOON);
    return byte < 128 ? byte : this.#rest(byte & 127);
  }

  /** Of things of a byte or more that are to come: never more than there is room for. */
  count(): number {
    const count = this.number();
    if (count > this.#bytes.length - this.#at) throw new RangeError(SOON);
    return count;
  }

  /** The next bytes, of which a number before them says how many they are. */
  piece(): Buffer {
    const length = this.count();
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  text(): string {
    const length = this.count();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  skip(): void {
    const length = this.count();
    this.#at += length;
  }

  /**
   * The innermost loop of every query: most distances are one byte, most counts one or two.
   * @param hasUnit false: of a build before, in sixteenths
   */
  latencies(into: LatencyBins, hasUnit: boolean): void {
    const length = this.count();
    const bytes = this.#bytes;
    const end = this.#at + length;
    const unit = hasUnit ? this.number() : 1;
    into.zeros += this.number() * unit;
    let bin = 0;
    while (this.#at < end) {
      const step = bytes[this.#at++] ?? 0;
      bin += step < 128 ? step : this.#rest(step & 127);
      const low = bytes[this.#at++] ?? 0;
      into.add(bin, (low < 128 ? low : this.#rest(low & 127)) * unit);
    }
  }

  /** @param low the seven bits that were read */
  #rest(low: number): number {
    let value = low;
    for (let factor = 128; factor < Number.MAX_SAFE_INTEGER; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError('a page with a number that does not end');
  }
}

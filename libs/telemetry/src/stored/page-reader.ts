import type { LatencyBins } from './latency-bins.js';

/** Reads what `PageWriter` wrote. Pages are read by the ten thousand, so nothing is made on the way that is not needed. */
export class PageReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws RangeError at the end, and of what is larger than 2^53 - 1 */
  number(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++];
    if (byte === undefined) throw new RangeError('a page that ends too soon');
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let factor = 128; factor < Number.MAX_SAFE_INTEGER; factor *= 128) {
      byte = bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError('a page with a number that does not end');
  }

  /** Of things of a byte or more that are to come: never more than there is room for. */
  count(): number {
    const count = this.number();
    if (count > this.#bytes.length - this.#at) throw new RangeError('a page that ends too soon');
    return count;
  }

  text(): string {
    const length = this.count();
    const text = this.#bytes.toString('utf8', this.#at, this.#at + length);
    this.#at += length;
    return text;
  }

  skip(): void {
    const length = this.count();
    this.#at += length;
  }

  latencies(into: LatencyBins): void {
    const length = this.count();
    const end = this.#at + length;
    into.zeros += this.number();
    let bin = 0;
    while (this.#at < end) {
      bin += this.number();
      into.add(bin, this.number());
    }
  }
}

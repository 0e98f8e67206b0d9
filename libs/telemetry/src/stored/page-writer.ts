const FIRST_BYTES = 2048;

/** Numbers in as many groups of seven bits as they need, and texts with their length before them. */
export class PageWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  /** @param value a whole number from 0 to 2^53 - 1 */
  number(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.number(length);
    this.#room(length);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Something with its length before it, so that it can be passed over. */
  piece(write: (writer: PageWriter) => void): void {
    const start = this.#length;
    write(this);
    const end = this.#length;
    this.#room(8);
    this.number(end - start);
    const prefix = this.#length - end;
    // The length was written after it, to see how long it is; it moves up, and the length goes before it.
    this.#bytes.copyWithin(start + prefix, start, end);
    this.#length = start;
    this.number(end - start);
    this.#length = end + prefix;
  }

  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#length + more) * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Bytes that a varint of this value takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes protobuf fields one after the other into a buffer of known size. */
export class Writer {
  #at = 0;
  readonly buffer: Buffer;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafeSlow(size);
  }

  get position(): number {
    return this.#at;
  }

  varint(value: number): this {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.buffer[this.#at++] = (rest % 128) | 0x80;
    this.buffer[this.#at++] = rest;
    return this;
  }

  /** Tag and length of a length-delimited field with a number below 16. */
  head(field: number, length: number): this {
    this.buffer[this.#at++] = (field << 3) | 2;
    return this.varint(length);
  }

  bytes(contents: Uint8Array): this {
    this.buffer.set(contents, this.#at);
    this.#at += contents.length;
    return this;
  }

  string(text: string): this {
    this.#at += this.buffer.write(text, this.#at, 'utf8');
    return this;
  }
}

/** Size of a length-delimited field with a number below 16 and contents of this length. */
export const fieldSize = (length: number): number => 1 + varintSize(length) + length;

/** One string field, encoded. */
export function stringField(field: number, text: string): Buffer {
  const length = Buffer.byteLength(text);
  return new Writer(fieldSize(length)).head(field, length).string(text).buffer;
}

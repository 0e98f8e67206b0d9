/** Bytes that are not a protobuf message, or not the one expected. */
export class MalformedMessage extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedMessage';
  }
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/**
 * A forward-only reader of protobuf fields. Requests arrive for every ACK of every client, so the fields that matter
 * are read in place and everything else is skipped without being copied.
 */
export class Reader {
  #at: number;
  #wireType = 0;
  #length = 0;

  /** @param start and @param end of the message in the buffer: the parts of a message are read in place */
  constructor(
    private readonly buffer: Buffer,
    start = 0,
    private readonly end = buffer.length,
  ) {
    this.#at = start;
  }

  /** Bytes of the length-delimited field that was read last. */
  get length(): number {
    return this.#length;
  }

  /** Number of the next field, or 0 at the end. @throws MalformedMessage */
  next(): number {
    if (this.#at >= this.end) return 0;
    const tag = this.varint();
    this.#wireType = tag & 7;
    const field = Math.floor(tag / 8);
    if (field === 0) throw new MalformedMessage('field number 0');
    return field;
  }

  /** A varint as a number. Values beyond 2^53 lose precision; none of the fields read here has them. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.end) throw new MalformedMessage('truncated varint');
      const byte = this.buffer[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new MalformedMessage('varint of more than 10 bytes');
  }

  /** The contents of a length-delimited field, without a copy. */
  bytes(): Buffer {
    const start = this.#delimited();
    return this.buffer.subarray(start, this.#at);
  }

  /** A reader of the message in a length-delimited field: cheaper than one of its `bytes`. */
  message(): Reader {
    const start = this.#delimited();
    return new Reader(this.buffer, start, this.#at);
  }

  /** @param encoding `latin1` is cheaper, and right for what is ASCII or is not shown */
  string(encoding: 'utf8' | 'latin1' = 'utf8'): string {
    const start = this.#delimited();
    return this.buffer.toString(encoding, start, this.#at);
  }

  /** Passes over a length-delimited field. @returns where its contents begin */
  #delimited(): number {
    if (this.#wireType !== DELIMITED) throw new MalformedMessage(`wire type ${this.#wireType} where bytes belong`);
    this.#length = this.varint();
    const start = this.#at;
    if (start + this.#length > this.end) throw new MalformedMessage('truncated field');
    this.#at = start + this.#length;
    return start;
  }

  /** The value of a field of an integer type. */
  integer(): number {
    if (this.#wireType !== VARINT) throw new MalformedMessage(`wire type ${this.#wireType} where a number belongs`);
    return this.varint();
  }

  /** The value of a field of type `double`. */
  double(): number {
    if (this.#wireType !== FIXED64) throw new MalformedMessage(`wire type ${this.#wireType} where a double belongs`);
    if (this.#at + 8 > this.end) throw new MalformedMessage('truncated field');
    const value = this.buffer.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  /** Passes over the field whose number `next` returned. Groups are refused: no xDS message has any. */
  skip(): void {
    if (this.#wireType === VARINT) this.varint();
    else if (this.#wireType === DELIMITED) this.#delimited();
    else if (this.#wireType === FIXED64) this.#at += 8;
    else if (this.#wireType === FIXED32) this.#at += 4;
    else throw new MalformedMessage(`wire type ${this.#wireType}`);
    if (this.#at > this.end) throw new MalformedMessage('truncated field');
  }
}
